// UNMAP: SBC-4 5.37.
#pragma once

#include "scsi/lu.h"
#include "scsi/spec.h"

namespace srpd::scsi {

runtime::Task<Result> unmap(Command& command);

inline constexpr Spec unmap_spec{
    .name = "UNMAP",
    .opcode = 0x42,
    .cdb_length = 10,
    .data = Data::out,
    .access = Access::write,
    .io_class = IoClass::unmap,
    .usage = {0x42, 0x01, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0},
    .start = unmap,
    .supported = [](const Lu& lu) { return lu.attributes().emulate_tpu.get(); },
};

}  // namespace srpd::scsi
