// Unit attention conditions as sense data.
#pragma once

#include "scsi/nexus.h"
#include "scsi/result.h"

namespace srpd::scsi {

Result result_from(UnitAttention condition);

}  // namespace srpd::scsi
