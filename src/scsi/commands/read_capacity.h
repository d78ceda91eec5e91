// READ CAPACITY(10) and READ CAPACITY(16): SBC-4 5.20, 5.21.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

Result read_capacity_10(Command& command);
Result read_capacity_16(Command& command);

inline constexpr Spec read_capacity_10_spec{
    .name = "READ CAPACITY(10)",
    .opcode = 0x25,
    .cdb_length = 10,
    .data = Data::in,
    .available = Available::in_standby,
    .reserved = UnderReservation::reads,
    .needs_ready = true,
    .usage = {0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    .run = read_capacity_10,
};

inline constexpr Spec read_capacity_16_spec{
    .name = "READ CAPACITY(16)",
    .opcode = 0x9e,
    .service_action = 0x10,
    .cdb_length = 16,
    .data = Data::in,
    .available = Available::in_standby,
    .reserved = UnderReservation::reads,
    .needs_ready = true,
    .usage = {0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
    .run = read_capacity_16,
};

}  // namespace srpd::scsi
