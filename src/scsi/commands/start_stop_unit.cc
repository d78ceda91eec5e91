// A stopped unit answers NOT READY to whatever touches the medium, for every host, until one starts
// it. The cache is flushed first unless NO_FLUSH says otherwise; a unit whose flush fails does not
// stop. IMMED is treated as in SYNCHRONIZE CACHE.
#include "scsi/commands/start_stop_unit.h"

#include "scsi/block_io.h"
#include "scsi/lu.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {

runtime::Task<Result> start_stop_unit(Command& command) {
  const std::uint8_t flags = std::to_integer<std::uint8_t>(command.cdb[4]);
  if ((flags & wire::start_stop_start) != 0) {
    command.lu->stopped.store(false, std::memory_order_relaxed);
    co_return Result{};
  }
  if ((flags & wire::start_stop_no_flush) == 0 && has_volatile_cache(command)) {
    BlockIo io;
    io.start(command, store::Operation::Kind::flush, 0, 0);
    const int rc = co_await io;
    if (rc < 0) co_return failure(command, io);
    if (command.aborted) co_return Result{};
  }
  command.lu->stopped.store(true, std::memory_order_relaxed);
  co_return Result{};
}

}  // namespace srpd::scsi
