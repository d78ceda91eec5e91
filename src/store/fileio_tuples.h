// Protection information of a file, in another file beside it: NAME.protection, as LIO's fileio
// has it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "store/specification.h"
#include "store/tuples.h"

namespace srpd::store {

/// Of the file that `specification` names, with `blocks` blocks. What the file beside it lacks is
/// added, which may take long; -ENOSYS for a block device, which has no place beside it.
Expected<std::unique_ptr<Tuples>> keep_fileio_tuples(const Specification& specification,
                                                     std::uint64_t blocks, runtime::Loop& home);

}  // namespace srpd::store
