// The whole parameter list is checked before anything is unmapped. Ranges go to the store as they
// are: what does not fill a unit of its granularity stays allocated, which UNMAP, a hint, permits.
#include "scsi/commands/unmap.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/parameter_list.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

using wire::UnmapDescriptor;
using wire::UnmapHeader;

constexpr std::uint64_t no_limit = UINT32_MAX;  // SBC-4 6.6.4, MAXIMUM UNMAP LBA COUNT

const UnmapDescriptor& descriptor_at(const Command& command, std::size_t index) {
  const std::span<const std::byte> list = command.buffer.bytes();
  return *wire::view<UnmapDescriptor>(
      list.subspan(sizeof(UnmapHeader) + index * sizeof(UnmapDescriptor)));
}

std::size_t descriptor_count(const Command& command) {
  return wire::view<UnmapHeader>(command.buffer.bytes())->descriptors_length /
         sizeof(UnmapDescriptor);
}

// The lengths in the header against the length of the list (SBC-4 5.37.2).
bool lengths_are_bad(const Command& command, Result& result) {
  const auto& header = *wire::view<UnmapHeader>(command.buffer.bytes());
  if (header.descriptors_length > command.buffer.size - sizeof header) {
    result = sense::invalid_field_in_parameter_list(2);
    return true;
  }
  if (header.data_length < header.descriptors_length + sizeof header - sizeof header.data_length) {
    result = sense::invalid_field_in_parameter_list(0);
    return true;
  }
  return false;
}

bool list_is_refused(const Command& command, Result& result) {
  if (lengths_are_bad(command, result)) return true;
  const LuAttributes& attributes = command.lu->attributes();
  const std::size_t count = descriptor_count(command);
  if (count > attributes.max_unmap_block_desc_count) {
    result = sense::invalid_field_in_parameter_list(2);
    return true;
  }
  std::uint64_t blocks = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const UnmapDescriptor& descriptor = descriptor_at(command, i);
    if (!command.lu->contains(descriptor.lba, descriptor.blocks)) {
      result = sense::lba_out_of_range(descriptor.lba);
      return true;
    }
    blocks += descriptor.blocks;
    if (attributes.max_unmap_lba_count != no_limit && blocks > attributes.max_unmap_lba_count) {
      const std::size_t at =
          sizeof(UnmapHeader) + i * sizeof(UnmapDescriptor) + offsetof(UnmapDescriptor, blocks);
      result = sense::invalid_field_in_parameter_list(static_cast<std::uint16_t>(at));
      return true;
    }
  }
  return false;
}

}  // namespace

runtime::Task<Result> unmap(Command& command) {
  const auto& cdb = *wire::view<wire::Cdb10>(command.cdb);
  const std::uint32_t length = cdb.length;
  Result result;
  if ((cdb.flags & wire::unmap_anchor) != 0) co_return sense::invalid_field_in_cdb(1, 0);
  if (length == 0) co_return Result{};
  if (length < sizeof(UnmapHeader)) co_return sense::parameter_list_length_error();
  if (data_out_is_short(command, length, result)) co_return result;

  ParameterList list;
  list.start(command, length);
  int rc = co_await list;
  if (command.aborted) co_return Result{};
  if (rc < 0) co_return result_from_transfer(rc);
  if (list_is_refused(command, result)) co_return result;

  BlockIo io;
  io.zeroed = command.lu->attributes().unmap_zeroes_data;
  const unsigned shift = command.lu->block_shift();
  const std::uint64_t store_limit = command.lu->store().properties().max_unmap_bytes;
  const std::uint64_t at_once = store_limit == 0 ? UINT64_MAX : store_limit;
  for (std::size_t i = 0; i < descriptor_count(command); ++i) {
    const std::uint64_t start = descriptor_at(command, i).lba << shift;
    const std::uint64_t total = std::uint64_t{descriptor_at(command, i).blocks} << shift;
    for (std::uint64_t done = 0; done < total && !command.aborted; done += io.length) {
      io.start(command, store::Operation::Kind::unmap, start + done,
               std::min(total - done, at_once));
      rc = co_await io;
      if (rc < 0) co_return failure(command, io);
    }
  }
  if (command.lu->writes_through()) {
    io.start(command, store::Operation::Kind::flush, 0, 0);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
  }
  co_return Result{};
}

}  // namespace srpd::scsi
