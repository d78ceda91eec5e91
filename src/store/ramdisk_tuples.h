// Protection information in memory, beside that of the disk and as sparse.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "store/specification.h"
#include "store/tuples.h"

namespace srpd::store {

/// Of the ramdisk `specification` with `blocks` blocks.
Expected<std::unique_ptr<Tuples>> keep_ramdisk_tuples(const Specification& specification,
                                                      std::uint64_t blocks, runtime::Loop& home);

}  // namespace srpd::store
