// One backstore operation of a command, and what both READ and WRITE need around it.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "runtime/buffer_pool.h"
#include "runtime/completion.h"
#include "runtime/loop.h"
#include "scsi/command.h"
#include "scsi/lu.h"
#include "scsi/result.h"
#include "store/backstore.h"

namespace srpd::scsi {

/// A store operation with room for one buffer; awaited in a command's coroutine, then used again.
struct BlockIo : store::Operation {
  iovec memory{};

  /// Starts `kind` over [offset, offset + length), from or to `data` for a read or write.
  void start(Command& command, Kind what, std::uint64_t at, std::uint64_t bytes,
             std::byte* data = nullptr);
};

/// The result of a failed BlockIo, with the LBA it names.
Result failure(const Command& command, const BlockIo& io);

/// Starts moving `length` bytes between `offset` of the initiator's buffer and `data`.
struct DataMove : Transfer {
  using Transfer::Transfer;
  iovec memory{};
  void fetch(Command& command, std::uint64_t at, std::uint32_t bytes, std::byte* data);
  void deliver(Command& command, std::uint64_t at, std::uint32_t bytes, std::byte* data);

 private:
  void prepare(std::uint64_t at, std::uint32_t bytes, std::byte* data);
};

/// Asks for the command's buffer: as much of `bytes` as one buffer holds. bytes > 0.
struct BufferRequest : runtime::BufferPool::Acquire {
  using Acquire::Acquire;
  void start(Command& command, std::uint64_t bytes);
};

/// Lets others run: a long command whose store answers inline awaits it now and then.
struct Pause : runtime::Completion, runtime::Deferred {
  Pause();
  void start(Command& command);
};
/// Bytes worked on between two pauses.
inline constexpr std::uint64_t pause_after = std::uint64_t{16} << 20;

/// First byte and bytes of the command's extent.
inline std::uint64_t start_byte(const Command& command) {
  return command.extent.lba << command.lu->block_shift();
}
inline std::uint64_t extent_bytes(const Command& command) {
  return command.extent.blocks << command.lu->block_shift();
}

inline std::uint64_t round_up(std::uint64_t bytes, std::uint32_t block_size) {
  return (bytes + block_size - 1) & ~std::uint64_t{block_size - 1};
}

/// Whether data written without FUA can be lost at power loss.
inline bool has_volatile_cache(const Command& command) {
  return command.lu->store().properties().write_cache;
}

/// True when the host sent fewer bytes than its CDB asks to take; then `result` says so. LIO's
/// answer: nothing is written, INVALID FIELD IN COMMAND INFORMATION UNIT.
bool data_out_is_short(Command& command, std::uint64_t needed, Result& result);

}  // namespace srpd::scsi
