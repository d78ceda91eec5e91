// From the backstore's errno to what the host is told: the only translation.
#pragma once

#include <cstdint>
#include <optional>

#include "scsi/result.h"
#include "store/backstore.h"

namespace srpd::scsi {

/// `error` < 0 is -errno of an operation of `kind`; `lba` the first block that failed, where known.
Result result_from(int error, store::Operation::Kind kind, std::optional<std::uint64_t> lba = {});

/// The same for a Transfer: the command's data did not arrive or leave.
Result result_from_transfer(int error);

}  // namespace srpd::scsi
