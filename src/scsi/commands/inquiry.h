// INQUIRY: SPC-5 6.7.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

Result inquiry(Command& command);

inline constexpr Spec inquiry_spec{
    .name = "INQUIRY",
    .opcode = 0x12,
    .cdb_length = 6,
    .data = Data::in,
    .available = Available::always,
    .reserved = UnderReservation::always,
    .any_lun = true,
    .passes_unit_attention = true,
    .usage = {0x12, 0x01, 0xff, 0xff, 0xff, 0},
    .run = inquiry,
};

}  // namespace srpd::scsi
