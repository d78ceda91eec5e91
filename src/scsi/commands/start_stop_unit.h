// START STOP UNIT: SBC-4 5.31. Power conditions and ejecting are refused by their bits.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> start_stop_unit(Command& command);

inline constexpr Spec start_stop_unit_spec{
    .name = "START STOP UNIT",
    .opcode = 0x1b,
    .cdb_length = 6,
    .reserved = UnderReservation::no_data,
    .usage = {0x1b, 0x01, 0, 0, 0x05, 0},
    .start = start_stop_unit,
};

}  // namespace srpd::scsi
