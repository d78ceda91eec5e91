// Fabrics that are not served, as far as targetcli cannot do without: it makes target/iscsi and
// reads and writes what is in discovery_auth, and where it cannot make a fabric it loads the
// kernel's.
#pragma once

#include <memory>
#include <string_view>

#include "tree/directory.h"

namespace srpd::lio {

/// Null when there is no such fabric.
std::unique_ptr<tree::Directory> make_stub_fabric(std::string_view name);

}  // namespace srpd::lio
