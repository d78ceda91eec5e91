// TEST UNIT READY: SPC-5 6.53.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

Result test_unit_ready(Command& command);

inline constexpr Spec test_unit_ready_spec{
    .name = "TEST UNIT READY",
    .opcode = 0x00,
    .cdb_length = 6,
    .reserved = UnderReservation::harmless,
    .any_lun = true,  // the well-known unit answers too
    .needs_ready = true,
    .usage = {0x00, 0, 0, 0, 0, 0},
    .run = test_unit_ready,
};

}  // namespace srpd::scsi
