// Takes objects of the tree away with all that was made in them, as `rm -r` cannot.
#pragma once

#include <string>

#include "tree/tree.h"

namespace srpd::control {

/// `path` is from the root: "target/core/rd_mcp_0/disk". Links to it from elsewhere have to be
/// gone. Stops at the first refusal: what was removed until then stays removed.
tree::Result<void> remove_tree(tree::Tree& tree, const std::string& path);

}  // namespace srpd::control
