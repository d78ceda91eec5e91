// REPORT TARGET PORT GROUPS: SPC-4 6.37.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> report_target_port_groups(Command& command);

inline constexpr Spec report_target_port_groups_spec{
    .name = "REPORT TARGET PORT GROUPS",
    .opcode = 0xa3,
    .service_action = 0x0a,
    .cdb_length = 12,
    .data = Data::in,
    .available = Available::in_transition,
    .reserved = UnderReservation::harmless,
    .usage = {0xa3, 0xea, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
    .start = report_target_port_groups,
    .supported = [](const Lu& lu) { return lu.attributes().alua_support.get(); },
};

}  // namespace srpd::scsi
