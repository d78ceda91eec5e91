// Memory as a backstore (LIO: rd_mcp). Sparse: memory that was never written costs nothing.
#pragma once

#include <memory>

#include "base/error.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store {

Expected<std::unique_ptr<Backstore>> open_ramdisk(const Specification& specification,
                                                  runtime::Loop& home);

}  // namespace srpd::store
