// The medium is read, block by block of the range. BYTCHK 1 compares it with as many blocks of
// data-out, BYTCHK 3 every block with the one block sent. MISCOMPARE tells in the INFORMATION field
// how many bytes of the range were equal.
//
// One buffer holds both: in front what the host sent (the reference), behind it what was read.
#include "scsi/commands/verify.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

enum class ByteCheck : std::uint8_t { none = 0, every_block = 1, reserved = 2, one_block = 3 };

ByteCheck byte_check(const Command& command) {
  const auto flags = std::to_integer<std::uint8_t>(command.cdb[1]);
  return static_cast<ByteCheck>((flags & wire::verify_bytchk_mask) >> wire::verify_bytchk_shift);
}

// How the buffer is divided.
struct Split {
  std::uint32_t reference = 0;
  std::uint32_t chunk = 0;  // blocks read at a time, in bytes
};

std::uint64_t buffer_wanted(const Command& command, ByteCheck check) {
  const std::uint64_t total = extent_bytes(command);
  if (check == ByteCheck::every_block) return 2 * total;
  return total + (check == ByteCheck::one_block ? command.lu->block_size() : 0);
}

Split split(const Command& command, ByteCheck check) {
  const std::uint32_t size = command.buffer.size;
  if (check == ByteCheck::every_block) {
    const std::uint32_t half = size / 2 & ~(command.lu->block_size() - 1);
    return {half, half};
  }
  const std::uint32_t reference = check == ByteCheck::one_block ? command.lu->block_size() : 0;
  return {reference, size - reference};
}

// Where `read` first differs from the reference, repeated as often as it takes.
std::optional<std::size_t> first_difference(std::span<const std::byte> read,
                                            std::span<const std::byte> reference) {
  for (std::size_t at = 0; at < read.size(); at += reference.size()) {
    const std::size_t size = std::min(reference.size(), read.size() - at);
    if (std::memcmp(read.data() + at, reference.data(), size) == 0) continue;
    const auto differs = std::mismatch(read.begin() + static_cast<std::ptrdiff_t>(at), read.end(),
                                       reference.begin());
    return static_cast<std::size_t>(differs.first - read.begin());
  }
  return {};
}

bool is_refused(Command& command, ByteCheck check, Result& result) {
  if (check == ByteCheck::reserved) {
    result = sense::invalid_field_in_cdb(1, 2);
    return true;
  }
  std::uint64_t needed = 0;
  if (check == ByteCheck::every_block) needed = extent_bytes(command);
  if (check == ByteCheck::one_block && command.extent.blocks != 0)
    needed = command.lu->block_size();
  return data_out_is_short(command, needed, result);
}

}  // namespace

runtime::Task<Result> verify(Command& command) {
  const ByteCheck check = byte_check(command);
  const std::uint64_t total = extent_bytes(command);
  Result result;
  if (is_refused(command, check, result) || total == 0) co_return result;

  BufferRequest request;
  request.start(command, buffer_wanted(command, check));
  co_await request;
  command.buffer = request.buffer;
  const Split parts = split(command, check);
  std::byte* const reference = command.buffer.data;
  std::byte* const medium = reference + parts.reference;

  BlockIo io;
  DataMove move;
  Pause pause;
  int rc = 0;
  if (check == ByteCheck::one_block && !command.aborted) {
    move.fetch(command, 0, parts.reference, reference);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
    command.moved_out = parts.reference;
  }
  for (std::uint64_t done = 0; done < total && !command.aborted;) {
    const auto size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(total - done, parts.chunk));
    if (check == ByteCheck::every_block) {
      move.fetch(command, done, size, reference);
      rc = co_await move;
      if (rc < 0) co_return result_from_transfer(rc);
      command.moved_out += size;
      if (command.aborted) break;
    }
    io.start(command, store::Operation::Kind::read, start_byte(command) + done, size, medium);
    rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    if (check != ByteCheck::none) {
      const std::size_t compared = check == ByteCheck::one_block ? parts.reference : size;
      const auto at = first_difference({medium, size}, {reference, compared});
      if (at) co_return sense::miscompare(done + *at);
    }
    if ((done + size) / pause_after != done / pause_after) {
      pause.start(command);
      co_await pause;
    }
    done += size;
  }
  co_return Result{};
}

}  // namespace srpd::scsi
