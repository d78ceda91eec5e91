// REPORT SUPPORTED OPERATION CODES: SPC-5 6.34.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

Result report_supported_operation_codes(Command& command);

inline constexpr Spec report_supported_operation_codes_spec{
    .name = "REPORT SUPPORTED OPERATION CODES",
    .opcode = 0xa3,
    .service_action = 0x0c,
    .cdb_length = 12,
    .data = Data::in,
    .reserved = UnderReservation::information,
    .usage = {0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0},
    .run = report_supported_operation_codes,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_rsoc.get(); },
};

}  // namespace srpd::scsi
