// A block device as a backstore (LIO: iblock): past the page cache, with the geometry, limits and
// write cache that the device itself has. Held exclusively, so that nothing else mounts it or makes
// it part of an array meanwhile.
#pragma once

#include <memory>

#include "base/error.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store {

Expected<std::unique_ptr<Backstore>> open_iblock(const Specification& specification,
                                                 runtime::Loop& home);

}  // namespace srpd::store
