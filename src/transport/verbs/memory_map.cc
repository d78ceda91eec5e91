#include "transport/verbs/memory_map.h"

#include <algorithm>

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
                     std::span<runtime::PinnableMemory* const> lent)
    : device_(device),
      buffers_(buffers),
      buffer_range_(buffers.range()),
      chunks_(buffer_range_.size() / buffer_chunk) {
  for (runtime::PinnableMemory* const memory : lent) {
    const std::size_t count = (memory->bytes().size() + lent_chunk - 1) / lent_chunk;
    lent_.push_back({memory, std::vector<std::int64_t>(count, -1)});
  }
  std::sort(lent_.begin(), lent_.end(), [](const Lent& a, const Lent& b) {
    return a.memory->bytes().data() < b.memory->bytes().data();
  });
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
  const auto above = std::upper_bound(
      lent_.begin(), lent_.end(), at,
      [](const std::byte* a, const Lent& lent) { return a < lent.memory->bytes().data(); });
  if (above == lent_.begin()) return Answer::unknown;
  Lent& lent = *(above - 1);
  const auto memory = lent.memory->bytes();
  if (static_cast<std::size_t>(at - memory.data()) >= memory.size()) return Answer::unknown;
  return resolve_lent(lent, at, length, piece);
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
  const auto memory = lent.memory->bytes();
  const auto offset = static_cast<std::size_t>(at - memory.data());
  std::int64_t& key = lent.keys[offset / lent_chunk];
  if (key < 0) {
    const auto registered = device_.key_of(*lent.memory, offset);
    if (!registered) return Answer::failed;
    key = *registered;
  }
  const std::size_t end = std::min((offset / lent_chunk + 1) * lent_chunk, memory.size());
  fill(piece, at, std::min<std::size_t>(length, end - offset), static_cast<std::uint32_t>(key));
  return Answer::known;
}

}  // namespace srpd::transport::verbs
