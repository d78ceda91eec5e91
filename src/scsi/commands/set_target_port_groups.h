// SET TARGET PORT GROUPS: SPC-4 6.45.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> set_target_port_groups(Command& command);

inline constexpr Spec set_target_port_groups_spec{
    .name = "SET TARGET PORT GROUPS",
    .opcode = 0xa4,
    .service_action = 0x0a,
    .cdb_length = 12,
    .data = Data::out,
    .available = Available::when_unavailable,
    .usage = {0xa4, 0x0a, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
    .start = set_target_port_groups,
    .supported =
        [](const Lu& lu) {
          return lu.attributes().alua_support && lu.port_groups().allows_explicit();
        },
};

}  // namespace srpd::scsi
