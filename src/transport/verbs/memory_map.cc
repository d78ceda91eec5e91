#include "transport/verbs/memory_map.h"

#include <algorithm>
#include <utility>

namespace srpd::transport::verbs {
namespace {

constexpr std::size_t buffer_chunk = runtime::BufferPool::chunk;
constexpr std::size_t lent_chunk = runtime::PinnableMemory::chunk;

void fill(ibv_sge& piece, std::byte* at, std::size_t length, std::uint32_t key) {
  piece.addr = reinterpret_cast<std::uintptr_t>(at);
  piece.length = static_cast<std::uint32_t>(length);
  piece.lkey = key;
}

}  // namespace

MemoryMap::MemoryMap(Device& device, runtime::BufferPool& buffers,
                     std::shared_ptr<const LentMemories> lent)
    : device_(device),
      buffers_(buffers),
      buffer_range_(buffers.range()),
      chunks_(buffer_range_.size() / buffer_chunk),
      lent_memories_(std::move(lent)) {
  buffers_.add_holder(*this);
}

MemoryMap::~MemoryMap() {
  chunks_.clear();
  buffers_.remove_holder(*this);
}

void MemoryMap::release_pages(std::span<std::byte> memory) {
  const auto offset = static_cast<std::size_t>(memory.data() - buffer_range_.data());
  for (std::size_t at = 0; at < memory.size(); at += buffer_chunk)
    chunks_[(offset + at) / buffer_chunk].reset();
}

MemoryMap::Answer MemoryMap::resolve(std::byte* at, std::uint32_t length, ibv_sge& piece) {
  const auto offset = static_cast<std::size_t>(at - buffer_range_.data());
  if (at >= buffer_range_.data() && offset < buffer_range_.size())
    return resolve_buffer(offset, at, length, piece);
  Lent* const lent = find_lent(at);
  return lent == nullptr ? Answer::unknown : resolve_lent(*lent, at, length, piece);
}

MemoryMap::Lent* MemoryMap::find_lent(std::byte* at) {
  if (lent_memories_->version() != lent_version_) look_what_is_lent();
  const auto above = std::upper_bound(
      lent_.begin(), lent_.end(), at,
      [](const std::byte* a, const Lent& lent) { return a < lent.of.bytes.data(); });
  if (above == lent_.begin()) return nullptr;
  Lent& lent = *(above - 1);
  const auto bytes = lent.of.bytes;
  return static_cast<std::size_t>(at - bytes.data()) < bytes.size() ? &lent : nullptr;
}

// Keys stay known for what stays.
void MemoryMap::look_what_is_lent() {
  lent_version_ = lent_memories_->version();
  std::vector<Lent> now;
  for (const LentMemory& memory : lent_memories_->all()) {
    const auto known = std::find_if(lent_.begin(), lent_.end(),
                                    [&](const Lent& lent) { return lent.of.id == memory.id; });
    if (known != lent_.end()) {
      now.push_back(std::move(*known));
    } else {
      const std::size_t count = (memory.bytes.size() + lent_chunk - 1) / lent_chunk;
      now.push_back({memory, std::vector<std::int64_t>(count, -1)});
    }
  }
  std::sort(now.begin(), now.end(),
            [](const Lent& a, const Lent& b) { return a.of.bytes.data() < b.of.bytes.data(); });
  lent_ = std::move(now);
}

MemoryMap::Answer MemoryMap::resolve_buffer(std::size_t offset, std::byte* at, std::uint32_t length,
                                            ibv_sge& piece) {
  const std::size_t index = offset / buffer_chunk;
  Registration& chunk = chunks_[index];
  if (!chunk) {
    chunk =
        Registration::make(device_.pd(), buffer_range_.subspan(index * buffer_chunk, buffer_chunk),
                           device_.local_access());
    if (!chunk) return Answer::failed;
  }
  const std::size_t left = (index + 1) * buffer_chunk - offset;
  fill(piece, at, std::min<std::size_t>(length, left), chunk.lkey());
  return Answer::known;
}

MemoryMap::Answer MemoryMap::resolve_lent(Lent& lent, std::byte* at, std::uint32_t length,
                                          ibv_sge& piece) {
  const auto memory = lent.of.bytes;
  const auto offset = static_cast<std::size_t>(at - memory.data());
  std::int64_t& key = lent.keys[offset / lent_chunk];
  if (key < 0) {
    const auto registered = device_.key_of(*lent.of.memory, offset);
    if (!registered) return Answer::failed;
    key = *registered;
  }
  const std::size_t end = std::min((offset / lent_chunk + 1) * lent_chunk, memory.size());
  fill(piece, at, std::min<std::size_t>(length, end - offset), static_cast<std::uint32_t>(key));
  return Answer::known;
}

}  // namespace srpd::transport::verbs
