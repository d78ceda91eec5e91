// READ(6), READ(10), READ(12), READ(16): SBC-4 5.16 to 5.19.
#pragma once

#include "scsi/commands/extents.h"
#include "scsi/spec.h"

namespace srpd::scsi {

bool read_mapped(Command& command, Result& result);
runtime::Task<Result> read_blocks(Command& command);

inline constexpr Spec read_6_spec{
    .name = "READ(6)",
    .opcode = 0x08,
    .cdb_length = 6,
    .data = Data::in,
    .access = Access::read,
    .io_class = IoClass::read,
    .reserved = UnderReservation::reads,
    .usage = {0x08, 0x1f, 0xff, 0xff, 0xff, 0},
    .extent = extent_6,
    .transfer_length_at = 4,
    .run_mapped = read_mapped,
    .start = read_blocks,
};

inline constexpr Spec read_10_spec{
    .name = "READ(10)",
    .opcode = 0x28,
    .cdb_length = 10,
    .data = Data::in,
    .access = Access::read,
    .io_class = IoClass::read,
    .reserved = UnderReservation::reads,
    .usage = {0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0},
    .extent = extent_10,
    .transfer_length_at = 7,
    .run_mapped = read_mapped,
    .start = read_blocks,
};

inline constexpr Spec read_12_spec{
    .name = "READ(12)",
    .opcode = 0xa8,
    .cdb_length = 12,
    .data = Data::in,
    .access = Access::read,
    .io_class = IoClass::read,
    .reserved = UnderReservation::reads,
    .usage = {0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0},
    .extent = extent_12,
    .transfer_length_at = 6,
    .run_mapped = read_mapped,
    .start = read_blocks,
};

inline constexpr Spec read_16_spec{
    .name = "READ(16)",
    .opcode = 0x88,
    .cdb_length = 16,
    .data = Data::in,
    .access = Access::read,
    .io_class = IoClass::read,
    .reserved = UnderReservation::reads,
    .usage = {0x88, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0x3f, 0},
    .extent = extent_16,
    .transfer_length_at = 10,
    .run_mapped = read_mapped,
    .start = read_blocks,
};

}  // namespace srpd::scsi
