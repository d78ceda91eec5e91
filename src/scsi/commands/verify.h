// VERIFY(10), VERIFY(12), VERIFY(16): SBC-4 5.35 to 5.37.
#pragma once

#include "scsi/commands/extents.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> verify(Command& command);

inline constexpr Spec verify_10_spec{
    .name = "VERIFY(10)",
    .opcode = 0x2f,
    .cdb_length = 10,
    .data = Data::out,
    .access = Access::read,
    .reserved = UnderReservation::no_data,
    .usage = {0x2f, 0x16, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0},
    .extent = extent_10,
    .start = verify,
};

inline constexpr Spec verify_12_spec{
    .name = "VERIFY(12)",
    .opcode = 0xaf,
    .cdb_length = 12,
    .data = Data::out,
    .access = Access::read,
    .reserved = UnderReservation::no_data,
    .usage = {0xaf, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0},
    .extent = extent_12,
    .start = verify,
};

inline constexpr Spec verify_16_spec{
    .name = "VERIFY(16)",
    .opcode = 0x8f,
    .cdb_length = 16,
    .data = Data::out,
    .access = Access::read,
    .reserved = UnderReservation::no_data,
    .usage = {0x8f, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0x3f, 0},
    .extent = extent_16,
    .start = verify,
};

}  // namespace srpd::scsi
