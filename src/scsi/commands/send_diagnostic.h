// SEND DIAGNOSTIC: SPC-5 6.42. The default self-test; no diagnostic pages.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> send_diagnostic(Command& command);

inline constexpr Spec send_diagnostic_spec{
    .name = "SEND DIAGNOSTIC",
    .opcode = 0x1d,
    .cdb_length = 6,
    .available = Available::in_standby,
    .reserved = UnderReservation::no_data,
    .needs_ready = true,
    .usage = {0x1d, 0xf7, 0, 0xff, 0xff, 0},
    .start = send_diagnostic,
};

}  // namespace srpd::scsi
