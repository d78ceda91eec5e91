// Waits for a PERSISTENT RESERVE OUT that is under way: each kind excludes the other.
#include "scsi/commands/reserve.h"

#include "scsi/nexus.h"

namespace srpd::scsi {

runtime::Task<Result> reserve(Command& command) {
  Reservations& reservations = command.lu->reservations();
  Reservations::Turn turn;
  reservations.enter(turn, *command.loop);
  co_await turn;
  Result result;
  if (!command.aborted) result = reservations.reserve(*command.itl);
  reservations.leave();
  co_return result;
}

}  // namespace srpd::scsi
