// No storage (LIO: rd_mcp with rd_nullio): reads return zeroes, writes are dropped. For measuring
// everything but the store.
#pragma once

#include <memory>

#include "base/error.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store {

Expected<std::unique_ptr<Backstore>> open_null(const Specification& specification,
                                               runtime::Loop& home);

}  // namespace srpd::store
