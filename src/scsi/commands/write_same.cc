// One block of data-out, or zeroes with NDOB, into every block of the range. Zeroes are handed to
// the store as such where it can do that; UNMAP then lets it deallocate, since the blocks read back
// as zero either way. Anything else is written from a buffer full of copies.
#include "scsi/commands/write_same.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

using Kind = store::Operation::Kind;

bool has_flag(const Command& command, std::uint8_t flag) {
  return (std::to_integer<std::uint8_t>(command.cdb[1]) & flag) != 0;
}

bool has_no_data_out(const Command& command) {
  return command.spec->cdb_length == 16 && has_flag(command, wire::write_same_ndob);
}

bool is_refused(Command& command, Result& result) {
  const LuAttributes& attributes = command.lu->attributes();
  const std::uint16_t length_at = command.spec->cdb_length == 16 ? 10 : 7;
  if (has_flag(command, wire::write_same_anchor)) {
    result = sense::invalid_field_in_cdb(1, 4);
  } else if (has_flag(command, wire::write_same_unmap) && !attributes.emulate_tpws) {
    result = sense::invalid_field_in_cdb(1, 3);
  } else if (command.extent.blocks == 0) {
    result = sense::invalid_field_in_cdb(length_at);  // WSNZ is 1
  } else if (attributes.max_write_same_len != 0 &&
             command.extent.blocks > attributes.max_write_same_len) {
    result = sense::invalid_field_in_cdb(length_at);
  } else {
    const std::uint32_t needed = has_no_data_out(command) ? 0 : command.lu->block_size();
    return data_out_is_short(command, needed, result);
  }
  return true;
}

bool is_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

void repeat_first_block(std::span<std::byte> buffer, std::size_t block_size) {
  for (std::size_t filled = block_size; filled < buffer.size(); filled *= 2)
    std::memcpy(buffer.data() + filled, buffer.data(), std::min(filled, buffer.size() - filled));
}

}  // namespace

runtime::Task<Result> write_same(Command& command) {
  Result result;
  if (is_refused(command, result)) co_return result;
  const std::uint64_t total = extent_bytes(command);
  const std::uint32_t block_size = command.lu->block_size();
  int rc = 0;

  BufferRequest request;
  request.start(command, total);
  co_await request;
  command.buffer = request.buffer;
  if (has_no_data_out(command)) {
    std::memset(command.buffer.data, 0, block_size);
  } else if (!command.aborted) {
    DataMove move;
    move.fetch(command, 0, block_size, command.buffer.data);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
    command.moved_out = block_size;
  }

  const std::uint64_t zeroes_at_once = command.lu->store().properties().max_write_zeroes_bytes;
  const bool zeroes = zeroes_at_once != 0 && is_zero(command.buffer.bytes().first(block_size));
  if (!zeroes) repeat_first_block(command.buffer.bytes(), block_size);
  const std::uint64_t chunk = zeroes ? zeroes_at_once : command.buffer.size;
  BlockIo io;
  Pause pause;
  io.may_unmap = has_flag(command, wire::write_same_unmap);
  for (std::uint64_t done = 0; done < total && !command.aborted;) {
    const std::uint64_t size = std::min(total - done, chunk);
    io.start(command, zeroes ? Kind::write_zeroes : Kind::write, start_byte(command) + done, size,
             zeroes ? nullptr : command.buffer.data);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    if ((done + size) / pause_after != done / pause_after) {
      pause.start(command);
      co_await pause;
    }
    done += size;
  }
  if (command.lu->writes_through()) {
    io.start(command, Kind::flush, 0, 0);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
  }
  co_return Result{};
}

}  // namespace srpd::scsi
