// The whole cache is flushed, whatever range is named: that is what stores can do. IMMED allows an
// answer before the flush has ended; the answer comes after it all the same, since only then it
// tells whether the data are safe.
#include "scsi/commands/synchronize_cache.h"

#include "scsi/block_io.h"

namespace srpd::scsi {

runtime::Task<Result> synchronize_cache(Command& command) {
  if (!has_volatile_cache(command)) co_return Result{};
  BlockIo io;
  io.start(command, store::Operation::Kind::flush, 0, 0);
  const int rc = co_await io;
  if (rc < 0) co_return failure(command, io);
  co_return Result{};
}

}  // namespace srpd::scsi
