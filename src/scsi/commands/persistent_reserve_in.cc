// A unit can have thousands of registrants.
#include "scsi/commands/persistent_reserve_in.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "scsi/sized_data.h"
#include "wire/scsi_reservations.h"

namespace srpd::scsi {
namespace {

using Cdb = wire::PersistentReserveInCdb;

std::vector<std::byte> data_for(const Command& command) {
  const Reservations& reservations = command.lu->reservations();
  const ReservationState state = reservations.state();
  switch (wire::view<Cdb>(command.cdb)->service_action & 0x1f) {
    case 0x00:
      return read_keys(state);
    case 0x01:
      return read_reservation(state);
    case 0x02:
      return report_capabilities(state, reservations.keeps());
    default:
      return read_full_status(state);
  }
}

std::size_t build(Command& command, std::span<std::byte> out) {
  const std::vector<std::byte> data = data_for(command);
  std::copy_n(data.begin(), std::min(data.size(), out.size()), out.begin());
  return data.size();
}

}  // namespace

runtime::Task<Result> persistent_reserve_in(Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  // SPC-2 5.5.1: the two kinds of reservation exclude each other, also for who has reserved it.
  if (command.lu->reservations().reserved_by()) co_return Result{Status::reservation_conflict, {}};
  co_return co_await send_sized(command, build, cdb.length);
}

}  // namespace srpd::scsi
