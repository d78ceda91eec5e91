// A unit can have thousands of registrants, so the list asks for a buffer of its own size, as
// REPORT LUNS does.
#include "scsi/commands/persistent_reserve_in.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scsi/block_io.h"
#include "scsi/parameter_data.h"
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

// Returns the whole length; as much as fits is in `out`.
std::size_t build(const Command& command, std::span<std::byte> out) {
  const std::vector<std::byte> data = data_for(command);
  std::copy_n(data.begin(), std::min(data.size(), out.size()), out.begin());
  return data.size();
}

}  // namespace

runtime::Task<Result> persistent_reserve_in(Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  // SPC-2 5.5.1: the two kinds of reservation exclude each other, also for who has reserved it.
  if (command.lu->reservations().reserved_by()) co_return Result{Status::reservation_conflict, {}};
  BufferRequest request;
  request.start(command, build(command, {}));
  co_await request;
  command.buffer = request.buffer;
  if (command.aborted) co_return Result{};
  const std::size_t length =
      std::min<std::size_t>(build(command, command.buffer.bytes()), command.buffer.size);
  co_return send_buffer(command, length, cdb.length);
}

}  // namespace srpd::scsi
