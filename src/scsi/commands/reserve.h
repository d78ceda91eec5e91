// RESERVE: SPC-2 7.21, 7.22. The whole unit only, as LIO has it.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> reserve(Command& command);

inline constexpr Spec reserve_6_spec{
    .name = "RESERVE(6)",
    .opcode = 0x16,
    .cdb_length = 6,
    .reserved = UnderReservation::harmless,
    .usage = {0x16, 0, 0, 0, 0, 0},
    .start = reserve,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
};
inline constexpr Spec reserve_10_spec{
    .name = "RESERVE(10)",
    .opcode = 0x56,
    .cdb_length = 10,
    .reserved = UnderReservation::harmless,
    .usage = {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    .start = reserve,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
};

}  // namespace srpd::scsi
