// RELEASE: SPC-2 7.16, 7.17. The whole unit only, as LIO has it.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> release(Command& command);

inline constexpr Spec release_6_spec{
    .name = "RELEASE(6)",
    .opcode = 0x17,
    .cdb_length = 6,
    .reserved = UnderReservation::always,
    .usage = {0x17, 0, 0, 0, 0, 0},
    .start = release,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
};
inline constexpr Spec release_10_spec{
    .name = "RELEASE(10)",
    .opcode = 0x57,
    .cdb_length = 10,
    .reserved = UnderReservation::always,
    .usage = {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    .start = release,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_pr.get(); },
};

}  // namespace srpd::scsi
