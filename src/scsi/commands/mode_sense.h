// MODE SENSE(6) and MODE SENSE(10): SPC-5 6.14, 6.15.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

Result mode_sense_6(Command& command);
Result mode_sense_10(Command& command);

inline constexpr Spec mode_sense_6_spec{
    .name = "MODE SENSE(6)",
    .opcode = 0x1a,
    .cdb_length = 6,
    .data = Data::in,
    .available = Available::in_standby,
    .reserved = UnderReservation::information,
    .usage = {0x1a, 0x08, 0xff, 0xff, 0xff, 0},
    .run = mode_sense_6,
};

inline constexpr Spec mode_sense_10_spec{
    .name = "MODE SENSE(10)",
    .opcode = 0x5a,
    .cdb_length = 10,
    .data = Data::in,
    .available = Available::in_standby,
    .reserved = UnderReservation::information,
    .usage = {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0},
    .run = mode_sense_10,
};

}  // namespace srpd::scsi
