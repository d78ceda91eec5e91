#include "scsi/lun_map.h"

#include <optional>

#include "base/check.h"
#include "scsi/nexus.h"

namespace srpd::scsi {
namespace {

// The unit number an eight-byte LUN names in any single-level addressing method (SAM-5 4.7.7), or
// nothing.
std::optional<std::uint32_t> decode_lun(std::uint64_t lun) {
  const auto first = static_cast<std::uint32_t>(lun >> 56);
  const auto first_two = static_cast<std::uint32_t>(lun >> 48);
  const bool single_level = (lun & 0xffffffffffffu) == 0;
  switch (first >> 6) {
    case 0:  // peripheral device addressing, bus 0
      if (first != 0 || !single_level) return {};
      return first_two & 0xff;
    case 1:  // flat space addressing
      if (!single_level) return {};
      return first_two & 0x3fff;
    case 2:  // logical unit addressing, target 0 on bus 0
      if (!single_level || (first_two & 0x3fe0) != 0) return {};
      return first_two & 0x1f;
    default:  // extended logical unit addressing: only extended flat space, 24 bits
      if (first != 0xd2 || (lun & 0xffffffffu) != 0) return {};
      return static_cast<std::uint32_t>(lun >> 32) & 0xffffff;
  }
}

}  // namespace

std::uint64_t encode_lun(std::uint32_t number) {
  const std::uint64_t method = number < 256 ? 0 : 0x4000;
  return (method | number) << 48;
}

LunMap::~LunMap() {
  CHECK(size() == 0);
  for (auto& page : pages_) delete page.load(std::memory_order_relaxed);
}

ItlNexus* LunMap::at(std::uint32_t number) const {
  const Page* const page = pages_[number / page_size].load(std::memory_order_acquire);
  return page == nullptr ? nullptr : (*page)[number % page_size].load(std::memory_order_acquire);
}

ItlNexus* LunMap::find(std::uint64_t lun) const {
  const auto number = decode_lun(lun);
  return number && *number <= max_number ? at(*number) : nullptr;
}

// Pages stay until the end: there is nobody to tell when the last loop has left one.
void LunMap::add(ItlNexus& itl) {
  CHECK(itl.number <= max_number && at(itl.number) == nullptr);
  auto& slot = pages_[itl.number / page_size];
  Page* page = slot.load(std::memory_order_relaxed);
  if (page == nullptr) {
    page = new Page{};
    slot.store(page, std::memory_order_release);
  }
  (*page)[itl.number % page_size].store(&itl, std::memory_order_release);
  size_.store(size() + 1, std::memory_order_relaxed);
}

void LunMap::remove(ItlNexus& itl) {
  CHECK(at(itl.number) == &itl);
  Page* const page = pages_[itl.number / page_size].load(std::memory_order_relaxed);
  (*page)[itl.number % page_size].store(nullptr, std::memory_order_release);
  size_.store(size() - 1, std::memory_order_relaxed);
}

}  // namespace srpd::scsi
