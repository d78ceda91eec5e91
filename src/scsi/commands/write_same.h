// WRITE SAME(10) and WRITE SAME(16): SBC-4 5.47, 5.48.
#pragma once

#include "scsi/commands/extents.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> write_same(Command& command);

inline constexpr Spec write_same_10_spec{
    .name = "WRITE SAME(10)",
    .opcode = 0x41,
    .cdb_length = 10,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::unmap,
    .usage = {0x41, 0x18, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0},
    .extent = extent_10,
    .start = write_same,
};

inline constexpr Spec write_same_16_spec{
    .name = "WRITE SAME(16)",
    .opcode = 0x93,
    .cdb_length = 16,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::unmap,
    .usage = {0x93, 0x19, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0x3f, 0},
    .extent = extent_16,
    .start = write_same,
};

}  // namespace srpd::scsi
