// REPORT LUNS: SPC-5 6.33.
#pragma once

#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> report_luns(Command& command);

inline constexpr Spec report_luns_spec{
    .name = "REPORT LUNS",
    .opcode = 0xa0,
    .cdb_length = 12,
    .data = Data::in,
    .available = Available::always,
    .reserved = UnderReservation::harmless,
    .any_lun = true,
    .passes_unit_attention = true,
    .usage = {0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
    .start = report_luns,
};

}  // namespace srpd::scsi
