#include "scsi/sized_data.h"

#include <algorithm>

#include "scsi/block_io.h"
#include "scsi/parameter_data.h"

namespace srpd::scsi {

runtime::Task<Result> send_sized(Command& command, BuildData build,
                                 std::uint64_t allocation_length) {
  BufferRequest request;
  request.start(command, build(command, {}));
  co_await request;
  command.buffer = request.buffer;
  if (command.aborted) co_return Result{};
  const std::size_t length =
      std::min<std::size_t>(build(command, command.buffer.bytes()), command.buffer.size);
  co_return send_buffer(command, length, allocation_length);
}

}  // namespace srpd::scsi
