// The READ commands. A store that lends its memory is read without a buffer, a coroutine or a copy;
// any other is read into one buffer, in pieces when the transfer is larger: all but the last piece
// go ahead of the response, the last goes with it.
//
// When the initiator's buffer is smaller than the transfer length, what fits is moved and the rest
// shows as overflow residual.
//
// FUA asks that the data returned be on the medium. With a volatile cache that is so when a flush
// after the read has succeeded: a flush ahead of it would leave room for a write in between.
#include "scsi/commands/read.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

using Kind = store::Operation::Kind;

bool has_fua(const Command& command) {
  // READ(6) has LBA bits there.
  return command.spec->cdb_length != 6 &&
         (command.cdb[1] & std::byte{wire::cdb_fua}) != std::byte{};
}

bool wants_flush(const Command& command) { return has_fua(command) && has_volatile_cache(command); }

void attach(Command& command, std::byte* data, std::uint64_t offset, std::uint64_t size) {
  command.data_in_storage[0] = {data, size};
  command.data_in = std::span(command.data_in_storage).first(1);
  command.data_in_offset = offset;
  command.data_in_size = static_cast<std::uint32_t>(size);
  command.moved_in += size;
}

bool fua_is_refused(const Command& command, Result& result) {
  if (command.lu->attributes().emulate_fua_read || !has_fua(command)) return false;
  result = sense::invalid_field_in_cdb(1, 3);
  return true;
}

}  // namespace

bool read_mapped(Command& command, Result& result) {
  if (fua_is_refused(command, result)) return true;
  const std::uint64_t wanted = extent_bytes(command);
  const std::uint64_t moved = std::min(wanted, command.data_in_length);
  if (moved > UINT32_MAX) return false;
  if (wanted != 0) {
    std::byte* const memory = command.lu->store().map(start_byte(command), wanted);
    if (memory == nullptr) return false;
    attach(command, memory, 0, moved);
  }
  command.wanted_in = wanted;
  return true;
}

runtime::Task<Result> read_blocks(Command& command) {
  const std::uint64_t total = std::min(extent_bytes(command), command.data_in_length);
  const std::uint32_t block_size = command.lu->block_size();
  command.wanted_in = extent_bytes(command);
  if (total == 0) co_return Result{};

  BufferRequest request;
  request.start(command, round_up(total, block_size));
  co_await request;
  command.buffer = request.buffer;

  BlockIo io;
  DataMove move;
  int rc = 0;
  std::uint64_t done = 0;
  std::uint64_t size = 0;
  while (!command.aborted) {
    size = std::min<std::uint64_t>(total - done, command.buffer.size);
    io.start(command, Kind::read, start_byte(command) + done, round_up(size, block_size),
             command.buffer.data);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    if (command.aborted || done + size == total) break;
    move.deliver(command, done, static_cast<std::uint32_t>(size), command.buffer.data);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
    done += size;
    command.moved_in = done;
  }
  if (!command.aborted && wants_flush(command)) {
    io.start(command, Kind::flush, 0, 0);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
  }
  if (!command.aborted) attach(command, command.buffer.data, done, size);
  co_return Result{};
}

}  // namespace srpd::scsi
