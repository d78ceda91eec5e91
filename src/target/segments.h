// Lists of remote segments made from SRP descriptors, without copying a long one: a descriptor and
// a segment have the same size, so that a table is converted where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/transport.h"
#include "wire/srp.h"

namespace srpd::target {

using transport::RemoteSegment;
static_assert(sizeof(RemoteSegment) == sizeof(wire::srp::MemoryDescriptor));

RemoteSegment to_segment(const wire::srp::MemoryDescriptor& descriptor);

/// Converts `count` descriptors at `table` in place. The result begins up to alignof - 1 bytes
/// before `table`; those bytes must be free to be overwritten.
std::span<const RemoteSegment> convert_in_place(std::byte* table, std::size_t count);

std::uint64_t total_length(std::span<const RemoteSegment> segments);

/// The segments that hold [offset, offset + length), and how far into the first of them it begins.
/// The range lies inside.
struct Slice {
  std::span<const RemoteSegment> segments;
  std::uint32_t skip = 0;
};
Slice slice(std::span<const RemoteSegment> segments, std::uint64_t offset, std::uint64_t length);

/// Writes a slice with `skip` taken off its first segment to `out`, which has room for all of it.
std::span<const RemoteSegment> materialize(const Slice& slice, RemoteSegment* out);

}  // namespace srpd::target
