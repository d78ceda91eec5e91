// The WRITE commands. Data that came with the command go straight from where they arrived into the
// store; otherwise they are fetched into the store's own memory where it lends it, or into one
// buffer and written from there, in pieces when the transfer is larger than a buffer.
//
// An initiator buffer shorter than the transfer length ends the command before anything moves; a
// longer one leaves an underflow residual.
#include "scsi/commands/write.h"

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

bool has_fua(const Command& command) {
  return command.spec->cdb_length != 6 &&
         (command.cdb[1] & std::byte{wire::cdb_fua}) != std::byte{};
}

bool is_refused(Command& command, Result& result) {
  if (has_fua(command) && !command.lu->attributes().emulate_fua_write) {
    result = sense::invalid_field_in_cdb(1, 3);
    return true;
  }
  return data_out_is_short(command, extent_bytes(command), result);
}

// A store that bypasses the page cache needs its buffers aligned to its blocks.
bool can_write_in_place(const Command& command, std::span<const std::byte> immediate,
                        std::uint64_t bytes) {
  if (immediate.size() < bytes) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(immediate.data());
  return address % command.lu->store().properties().physical_block_size == 0;
}

}  // namespace

// Immediate data into lent memory: over before anything could wait.
bool write_mapped(Command& command, Result& result) {
  if (is_refused(command, result)) return true;
  const std::uint64_t bytes = extent_bytes(command);
  if (bytes == 0) return true;
  const auto immediate = command.immediate_data_out();
  if (immediate.size() < bytes) return false;
  std::byte* const memory = command.lu->store().map(start_byte(command), bytes);
  if (memory == nullptr) return false;
  std::memcpy(memory, immediate.data(), bytes);
  command.moved_out = bytes;
  return true;
}

runtime::Task<Result> write_blocks(Command& command) {
  const std::uint64_t total = extent_bytes(command);
  const std::uint64_t start = start_byte(command);
  int rc = 0;
  DataMove move;
  std::byte* const memory = command.lu->store().map(start, total);
  if (memory != nullptr && total <= UINT32_MAX) {
    move.fetch(command, 0, static_cast<std::uint32_t>(total), memory);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
    command.moved_out = total;
    co_return Result{};
  }

  BlockIo io;
  io.fua = has_fua(command) || command.lu->writes_through();
  const std::span<const std::byte> immediate = command.immediate_data_out();
  if (can_write_in_place(command, immediate, total)) {
    io.start(command, Kind::write, start, total, const_cast<std::byte*>(immediate.data()));
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    command.moved_out = total;
    co_return Result{};
  }

  BufferRequest request;
  request.start(command, total);
  co_await request;
  command.buffer = request.buffer;
  std::uint64_t done = 0;
  while (done < total && !command.aborted) {
    const std::uint64_t size = std::min<std::uint64_t>(total - done, command.buffer.size);
    move.fetch(command, done, static_cast<std::uint32_t>(size), command.buffer.data);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
    if (command.aborted) break;
    io.start(command, Kind::write, start + done, size, command.buffer.data);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    done += size;
    command.moved_out = done;
  }
  co_return Result{};
}

}  // namespace srpd::scsi
