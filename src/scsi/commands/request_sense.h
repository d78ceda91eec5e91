// REQUEST SENSE: SPC-5 6.39.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

Result request_sense(Command& command);

inline constexpr Spec request_sense_spec{
    .name = "REQUEST SENSE",
    .opcode = 0x03,
    .cdb_length = 6,
    .data = Data::in,
    .available = Available::in_transition,
    .reserved = UnderReservation::harmless,
    .any_lun = true,
    .passes_unit_attention = true,  // it delivers the condition in its data
    .usage = {0x03, 0x01, 0, 0, 0xff, 0},
    .run = request_sense,
};

}  // namespace srpd::scsi
