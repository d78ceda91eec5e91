// saveconfig.json as a view of the tree: what rtslib would write of it, byte for byte.
#pragma once

#include <string>

#include "control/model.h"
#include "tree/tree.h"

namespace srpd::control {

struct SavedTree {
  std::string text;
  /// What could not be carried over, such as a LUN without a device; the rest is in `text`.
  Problems problems;
};

/// One consistent state, whatever is changing meanwhile.
SavedTree save_tree(const tree::Tree& tree);

}  // namespace srpd::control
