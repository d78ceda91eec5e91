// PERSISTENT RESERVE OUT: SPC-4 6.16.
#pragma once

#include <array>

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> persistent_reserve_out(Command& command);

constexpr Spec make_persistent_reserve_out_spec(std::string_view name, std::uint8_t action,
                                                UnderReservation reserved) {
  return {
      .name = name,
      .opcode = 0x5f,
      .service_action = action,
      .cdb_length = 10,
      .data = Data::out,
      .available = Available::in_standby,
      .reserved = reserved,
      .usage = {0x5f, action, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0},
      .start = persistent_reserve_out,
      .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
  };
}

/// By service action.
inline constexpr std::array<Spec, 8> persistent_reserve_out_spec{
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(REGISTER)", 0x00,
                                     UnderReservation::harmless),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(RESERVE)", 0x01,
                                     UnderReservation::holds),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(RELEASE)", 0x02,
                                     UnderReservation::registration),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(CLEAR)", 0x03,
                                     UnderReservation::registration),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(PREEMPT)", 0x04,
                                     UnderReservation::registration),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(PREEMPT AND ABORT)", 0x05,
                                     UnderReservation::registration),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(REGISTER AND IGNORE EXISTING KEY)",
                                     0x06, UnderReservation::harmless),
    make_persistent_reserve_out_spec("PERSISTENT RESERVE OUT(REGISTER AND MOVE)", 0x07,
                                     UnderReservation::holds),
};

}  // namespace srpd::scsi
