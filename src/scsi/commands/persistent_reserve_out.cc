// One at a time for the unit. GOOD means that everybody sees the change, that it is on stable media
// where the host or the configuration wants that, and that what PREEMPT AND ABORT aborts is over.
// One that has begun is finished though the command be aborted.
#include "scsi/commands/persistent_reserve_out.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/nexus.h"
#include "scsi/parameter_list.h"
#include "scsi/sense.h"
#include "wire/scsi_reservations.h"

namespace srpd::scsi {
namespace {

/// The change is on stable media, or cannot get there; word of it comes from another thread.
struct Kept : runtime::Completion, runtime::Mail {
  Kept() : Mail([](Mail& self) { static_cast<Kept&>(self).end(); }) {}

  void start(Command& command) {
    const auto done = [this, loop = command.loop](bool good) {
      kept = good;
      loop->post(*this);
    };
    if (!command.lu->reservations().keep(done)) complete(0);
  }
  void end() { complete(kept ? 0 : -EIO); }

  bool kept = true;
};

// NOT READY, LOGICAL UNIT COMMUNICATION FAILURE, as LIO has it: hosts try again.
Result not_kept() { return sense::check_condition(SenseKey::not_ready, 0x0800); }

}  // namespace

runtime::Task<Result> persistent_reserve_out(Command& command) {
  const auto& cdb = *wire::view<wire::PersistentReserveOutCdb>(command.cdb);
  const std::uint32_t length = cdb.length;
  Result result;
  if (length < reserve_out_list_size || length > runtime::BufferPool::largest)
    co_return sense::parameter_list_length_error();
  if (data_out_is_short(command, length, result)) co_return result;

  ParameterList list;
  list.start(command, length);
  int rc = co_await list;
  if (command.aborted) co_return Result{};
  if (rc < 0) co_return result_from_transfer(rc);

  Reservations& reservations = command.lu->reservations();
  Reservations::Turn turn;
  reservations.enter(turn, *command.loop);
  co_await turn;
  if (command.aborted) {
    reservations.leave();
    co_return Result{};
  }
  result = reservations.decide(command.cdb, command.buffer.bytes().first(length), *command.itl);
  if (!result.good()) {
    reservations.leave();
    co_return result;
  }
  Kept kept;
  kept.start(command);
  rc = co_await kept;
  if (rc < 0) {
    reservations.drop();
    reservations.leave();
    co_return not_kept();
  }
  const std::uint32_t preemption = reservations.commit();
  reservations.leave();
  if (preemption == 0) co_return Result{};
  runtime::Completion aborted;
  command.abort_preempted(preemption, aborted);
  co_await aborted;
  co_return Result{};
}

}  // namespace srpd::scsi
