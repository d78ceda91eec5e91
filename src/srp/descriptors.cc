#include "srp/descriptors.h"

#include <cstring>

namespace srpd::srp {
namespace {

using wire::srp::ImmediateDescriptor;
using wire::srp::IndirectDescriptor;

CmdFault parse_direct(std::span<const std::byte>& rest, DataBuffer& buffer) {
  const auto* descriptor = wire::view<MemoryDescriptor>(rest);
  if (descriptor == nullptr) return CmdFault::too_short;
  buffer.descriptors = {descriptor, 1};
  buffer.length = descriptor->length;
  rest = rest.subspan(sizeof *descriptor);
  return CmdFault::ok;
}

// The descriptors in the IU are the first ones of the table. When they are all of it they must hold
// the total length; else the table is fetched and checked then.
CmdFault parse_indirect(std::uint8_t count, std::span<const std::byte>& rest, DataBuffer& buffer) {
  const auto* head = wire::view<IndirectDescriptor>(rest);
  if (head == nullptr) return CmdFault::too_short;
  rest = rest.subspan(sizeof *head);
  if (rest.size() / sizeof(MemoryDescriptor) < count) return CmdFault::too_short;
  const std::uint32_t table_length = head->table.length;
  if (table_length % sizeof(MemoryDescriptor) != 0) return CmdFault::table_length;
  buffer.table = head->table;
  buffer.table_count = static_cast<std::uint32_t>(table_length / sizeof(MemoryDescriptor));
  buffer.length = head->total_length;
  if (count > buffer.table_count) return CmdFault::too_many_in_iu;
  buffer.descriptors = {reinterpret_cast<const MemoryDescriptor*>(rest.data()), count};
  rest = rest.subspan(count * sizeof(MemoryDescriptor));
  if (count == buffer.table_count && total_length(buffer.descriptors) < buffer.length)
    return CmdFault::lengths_disagree;
  return CmdFault::ok;
}

CmdFault parse_immediate(std::span<const std::byte>& rest, DataBuffer& buffer) {
  const auto* descriptor = wire::view<ImmediateDescriptor>(rest);
  if (descriptor == nullptr) return CmdFault::too_short;
  buffer.length = descriptor->length;
  rest = rest.subspan(sizeof *descriptor);
  return CmdFault::ok;
}

}  // namespace

const char* text(CmdFault fault) {
  switch (fault) {
    case CmdFault::ok:
      return "nothing";
    case CmdFault::header_too_short:
      return "shorter than its fixed part";
    case CmdFault::too_short:
      return "its descriptors or data reach past its end";
    case CmdFault::unknown_format:
      return "unknown data buffer format";
    case CmdFault::table_length:
      return "descriptor table length is not a multiple of 16";
    case CmdFault::too_many_in_iu:
      return "more descriptors than the table has";
    case CmdFault::lengths_disagree:
      return "descriptors hold less than the total length";
    case CmdFault::immediate_position:
      return "immediate data overlap the descriptors";
    case CmdFault::table_too_long:
      return "more descriptors than can be taken";
    case CmdFault::task_attribute:
      return "unknown task attribute";
  }
  return "unknown fault";
}

std::uint64_t total_length(std::span<const MemoryDescriptor> descriptors) {
  std::uint64_t sum = 0;
  for (const MemoryDescriptor& descriptor : descriptors) sum += descriptor.length;
  return sum;
}

CmdFault parse_descriptor(Format format, std::uint8_t count, std::span<const std::byte>& rest,
                          DataBuffer& buffer) {
  buffer = {};
  buffer.format = format;
  switch (format) {
    case Format::none:
      return CmdFault::ok;
    case Format::direct:
      return parse_direct(rest, buffer);
    case Format::indirect:
      return parse_indirect(count, rest, buffer);
    case Format::immediate:
      return parse_immediate(rest, buffer);
  }
  return CmdFault::unknown_format;
}

std::size_t descriptor_size(const DataBufferSpec& spec) {
  switch (spec.format) {
    case Format::none:
      return 0;
    case Format::direct:
      return sizeof(MemoryDescriptor);
    case Format::indirect:
      return sizeof(IndirectDescriptor) + spec.descriptors.size_bytes();
    case Format::immediate:
      return sizeof(ImmediateDescriptor);
  }
  return 0;
}

void build_descriptor(const DataBufferSpec& spec, std::byte* out) {
  switch (spec.format) {
    case Format::none:
      return;
    case Format::direct:
      std::memcpy(out, spec.descriptors.data(), sizeof(MemoryDescriptor));
      return;
    case Format::indirect: {
      const IndirectDescriptor head{spec.table, spec.total_length};
      std::memcpy(out, &head, sizeof head);
      if (!spec.descriptors.empty())
        std::memcpy(out + sizeof head, spec.descriptors.data(), spec.descriptors.size_bytes());
      return;
    }
    case Format::immediate: {
      const ImmediateDescriptor descriptor{spec.total_length};
      std::memcpy(out, &descriptor, sizeof descriptor);
      return;
    }
  }
}

}  // namespace srpd::srp
