// A regular file or a block device as a backstore (LIO: fileio). Three ways to open it, and the
// write cache is reported as what it then is:
//   buffered   through the page cache; a write may be lost until flushed: WCE 1
//   dsync      O_DSYNC, every write waits for stable media: WCE 0
//   direct     O_DIRECT past the page cache; the device's own cache remains: WCE 1 (0 with dsync)
#pragma once

#include <memory>

#include "base/error.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store {

Expected<std::unique_ptr<Backstore>> open_fileio(const Specification& specification,
                                                 runtime::Loop& home);

}  // namespace srpd::store
