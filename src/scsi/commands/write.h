// WRITE(6), WRITE(10), WRITE(12), WRITE(16): SBC-4 5.39 to 5.42.
#pragma once

#include "scsi/commands/extents.h"
#include "scsi/spec.h"

namespace srpd::scsi {

bool write_mapped(Command& command, Result& result);
runtime::Task<Result> write_blocks(Command& command);

inline constexpr Spec write_6_spec{
    .name = "WRITE(6)",
    .opcode = 0x0a,
    .cdb_length = 6,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::write,
    .usage = {0x0a, 0x1f, 0xff, 0xff, 0xff, 0},
    .extent = extent_6,
    .transfer_length_at = 4,
    .run_mapped = write_mapped,
    .start = write_blocks,
};

inline constexpr Spec write_10_spec{
    .name = "WRITE(10)",
    .opcode = 0x2a,
    .cdb_length = 10,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::write,
    .usage = {0x2a, 0x18, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0},
    .extent = extent_10,
    .transfer_length_at = 7,
    .run_mapped = write_mapped,
    .start = write_blocks,
};

inline constexpr Spec write_12_spec{
    .name = "WRITE(12)",
    .opcode = 0xaa,
    .cdb_length = 12,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::write,
    .usage = {0xaa, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0},
    .extent = extent_12,
    .transfer_length_at = 6,
    .run_mapped = write_mapped,
    .start = write_blocks,
};

inline constexpr Spec write_16_spec{
    .name = "WRITE(16)",
    .opcode = 0x8a,
    .cdb_length = 16,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::write,
    .usage = {0x8a, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0x3f, 0},
    .extent = extent_16,
    .transfer_length_at = 10,
    .run_mapped = write_mapped,
    .start = write_blocks,
};

}  // namespace srpd::scsi
