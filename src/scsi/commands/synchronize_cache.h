// SYNCHRONIZE CACHE(10) and SYNCHRONIZE CACHE(16): SBC-4 5.33, 5.34.
#pragma once

#include "scsi/commands/extents.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> synchronize_cache(Command& command);

inline constexpr Spec synchronize_cache_10_spec{
    .name = "SYNCHRONIZE CACHE(10)",
    .opcode = 0x35,
    .cdb_length = 10,
    .io_class = IoClass::flush,
    .reserved = UnderReservation::no_data,
    .usage = {0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0},
    .extent = extent_10,
    .start = synchronize_cache,
};

inline constexpr Spec synchronize_cache_16_spec{
    .name = "SYNCHRONIZE CACHE(16)",
    .opcode = 0x91,
    .cdb_length = 16,
    .io_class = IoClass::flush,
    .reserved = UnderReservation::no_data,
    .usage = {0x91, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0x3f, 0},
    .extent = extent_16,
    .start = synchronize_cache,
};

}  // namespace srpd::scsi
