#include "target/segments.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace srpd::target {

RemoteSegment to_segment(const wire::srp::MemoryDescriptor& descriptor) {
  return {descriptor.address, descriptor.key, descriptor.length};
}

std::span<const RemoteSegment> convert_in_place(std::byte* table, std::size_t count) {
  const auto misaligned = reinterpret_cast<std::uintptr_t>(table) % alignof(RemoteSegment);
  std::byte* const start = table - misaligned;
  // Ascending, and never ahead of what is still to be read.
  for (std::size_t i = 0; i < count; ++i) {
    wire::srp::MemoryDescriptor descriptor;
    std::memcpy(&descriptor, table + i * sizeof descriptor, sizeof descriptor);
    const RemoteSegment segment = to_segment(descriptor);
    std::memcpy(start + i * sizeof segment, &segment, sizeof segment);
  }
  return {reinterpret_cast<const RemoteSegment*>(start), count};
}

std::uint64_t total_length(std::span<const RemoteSegment> segments) {
  std::uint64_t sum = 0;
  for (const RemoteSegment& segment : segments) sum += segment.length;
  return sum;
}

Slice slice(std::span<const RemoteSegment> segments, std::uint64_t offset, std::uint64_t length) {
  std::size_t first = 0;
  while (first < segments.size() && offset >= segments[first].length)
    offset -= segments[first++].length;
  std::uint64_t covered = 0;
  std::size_t last = first;
  while (last < segments.size() && covered < offset + length) covered += segments[last++].length;
  CHECK(covered >= offset + length || length == 0);
  return {segments.subspan(first, last - first), static_cast<std::uint32_t>(offset)};
}

std::span<const RemoteSegment> materialize(const Slice& slice, RemoteSegment* out) {
  std::copy(slice.segments.begin(), slice.segments.end(), out);
  if (!slice.segments.empty()) {
    out->address += slice.skip;
    out->length -= slice.skip;
  }
  return {out, slice.segments.size()};
}

}  // namespace srpd::target
