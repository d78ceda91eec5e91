#include "transport/local/exposed_memory.h"

namespace srpd::transport {

// Addresses are not pointers: whoever mistakes one for the other is found out at once.
std::uint64_t ExposedMemory::address_of(std::uint32_t index) {
  return (std::uint64_t{index} + 1) << 36;
}

RemoteSegment ExposedMemory::expose(std::span<std::byte> memory, Access access) {
  if (free_count_ == 0) {
    const auto index = static_cast<std::uint32_t>(regions_.size());
    CHECK(index < (1u << index_bits));
    regions_.emplace_back();
    // The ring holds every index at most once, so it never needs to be longer than the table.
    free_.assign(regions_.size(), 0);
    free_head_ = 0;
    free_[0] = index;
    free_count_ = 1;
  }
  const std::uint32_t index = free_[free_head_];
  free_head_ = (free_head_ + 1) % free_.size();
  --free_count_;
  Region& region = regions_[index];
  ++region.generation;
  region.data = memory.data();
  region.length = memory.size();
  region.access = access;
  ++exposed_;
  return {.address = address_of(index),
          .key = region.generation << index_bits | index,
          .length = static_cast<std::uint32_t>(memory.size())};
}

void ExposedMemory::withdraw(std::uint32_t key) {
  const std::uint32_t index = key & ((1u << index_bits) - 1);
  CHECK(index < regions_.size());
  Region& region = regions_[index];
  CHECK((region.generation & 1) == 1 && key == (region.generation << index_bits | index));
  ++region.generation;
  region.data = nullptr;
  free_[(free_head_ + free_count_) % free_.size()] = index;
  ++free_count_;
  --exposed_;
}

ExposedMemory::Verdict ExposedMemory::check(const RemoteSegment& segment, Access wanted,
                                            std::byte** place) const {
  const std::uint32_t index = segment.key & ((1u << index_bits) - 1);
  const std::uint32_t generation = segment.key >> index_bits;
  if (index >= regions_.size()) return Verdict::unknown_key;
  const Region& region = regions_[index];
  const std::uint32_t current = region.generation & (UINT32_MAX >> index_bits);
  if (generation != current || (generation & 1) == 0)
    return (generation & 1) == 1 && generation < current ? Verdict::withdrawn
                                                         : Verdict::unknown_key;
  const std::uint64_t base = address_of(index);
  if (segment.address < base || segment.address - base > region.length ||
      segment.length > region.length - (segment.address - base))
    return Verdict::out_of_bounds;
  const auto bits = static_cast<unsigned>(wanted);
  if ((static_cast<unsigned>(region.access) & bits) != bits) return Verdict::wrong_access;
  *place = region.data + (segment.address - base);
  return Verdict::fine;
}

const char* text_of(ExposedMemory::Verdict verdict) {
  switch (verdict) {
    case ExposedMemory::Verdict::fine:
      return "fine";
    case ExposedMemory::Verdict::unknown_key:
      return "unknown key";
    case ExposedMemory::Verdict::withdrawn:
      return "withdrawn key";
    case ExposedMemory::Verdict::out_of_bounds:
      return "out of bounds";
    case ExposedMemory::Verdict::wrong_access:
      return "access not allowed";
  }
  return "unknown";
}

}  // namespace srpd::transport
