// PERSISTENT RESERVE IN: SPC-4 6.15.
#pragma once

#include <array>

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> persistent_reserve_in(Command& command);

constexpr Spec make_persistent_reserve_in_spec(std::string_view name, std::uint8_t action) {
  return {
      .name = name,
      .opcode = 0x5e,
      .service_action = action,
      .cdb_length = 10,
      .data = Data::in,
      .available = Available::in_standby,
      .reserved = UnderReservation::harmless,
      .usage = {0x5e, action, 0, 0, 0, 0, 0, 0xff, 0xff, 0},
      .start = persistent_reserve_in,
      .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
  };
}

/// By service action.
inline constexpr std::array<Spec, 4> persistent_reserve_in_spec{
    make_persistent_reserve_in_spec("PERSISTENT RESERVE IN(READ KEYS)", 0x00),
    make_persistent_reserve_in_spec("PERSISTENT RESERVE IN(READ RESERVATION)", 0x01),
    make_persistent_reserve_in_spec("PERSISTENT RESERVE IN(REPORT CAPABILITIES)", 0x02),
    make_persistent_reserve_in_spec("PERSISTENT RESERVE IN(READ FULL STATUS)", 0x03),
};

}  // namespace srpd::scsi
