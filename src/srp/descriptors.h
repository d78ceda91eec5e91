// Data buffer descriptors of SRP_CMD (SRP r16a 5.6, and immediate data of SRP-2): parsing with
// every length held against what was received, and building. Pure; spans point into the IU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/srp.h"

namespace srpd::srp {

using wire::srp::MemoryDescriptor;

/// The nibbles of the buffer format byte.
enum class Format : std::uint8_t { none = 0, direct = 1, indirect = 2, immediate = 3 };

/// What is wrong with an SRP_CMD; `ok` when nothing is.
enum class CmdFault : std::uint8_t {
  ok,
  header_too_short,    ///< shorter than the fixed part: not even the tag can be trusted
  too_short,           ///< additional CDB, descriptor or immediate data reach past the IU
  unknown_format,      ///< a format nibble nobody defined, or immediate data not agreed on
  table_length,        ///< indirect: table length not a multiple of 16
  too_many_in_iu,      ///< indirect: more descriptors in the IU than the table has
  lengths_disagree,    ///< indirect: the descriptors hold less than the total length
  immediate_position,  ///< immediate data would overlap the descriptors
  table_too_long,      ///< indirect: more descriptors than the receiver can take
  task_attribute,      ///< a task attribute nobody defined
};

/// For logs: "descriptor table length is not a multiple of 16".
const char* text(CmdFault fault);

/// The data buffer of one direction.
struct DataBuffer {
  Format format = Format::none;
  std::uint64_t length = 0;                       ///< bytes, all descriptors together
  std::span<const MemoryDescriptor> descriptors;  ///< those in the IU
  MemoryDescriptor table{};                       ///< indirect: the complete table
  std::uint32_t table_count = 0;                  ///< indirect: descriptors of the complete table
  std::span<const std::byte> immediate;           ///< immediate: the data

  /// The complete table has to be fetched by RDMA Read first.
  bool external() const {
    return format == Format::indirect && descriptors.size() < table_count && length > 0;
  }
};

/// The sum of the lengths; 64 bits cannot overflow with any table that fits in memory.
std::uint64_t total_length(std::span<const MemoryDescriptor> descriptors);

/// Reads one descriptor at the start of `rest` (what is left of the IU) and moves `rest` behind it.
/// `count` is the number of descriptors the IU header announces for this direction. Does not look
/// at immediate data beyond its length.
CmdFault parse_descriptor(Format format, std::uint8_t count, std::span<const std::byte>& rest,
                          DataBuffer& buffer);

/// What to write for one direction. Direct: one descriptor. Indirect: `descriptors` go into the IU,
/// `table` and `table_length` tell about the complete table in the initiator's memory.
struct DataBufferSpec {
  Format format = Format::none;
  std::span<const MemoryDescriptor> descriptors;
  MemoryDescriptor table{};        ///< indirect
  std::uint32_t total_length = 0;  ///< indirect and immediate
};

/// Length of the descriptor as built.
std::size_t descriptor_size(const DataBufferSpec& spec);
/// Writes it at `out`, which has room for descriptor_size() bytes.
void build_descriptor(const DataBufferSpec& spec, std::byte* out);

}  // namespace srpd::srp
