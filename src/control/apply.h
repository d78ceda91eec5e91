// Makes the tree what a configuration says by doing only what is different: hosts on objects that
// stay do not notice.
#pragma once

#include <vector>

#include "base/error.h"
#include "control/difference.h"
#include "control/tree_restore.h"
#include "tree/tree.h"

namespace srpd::control {

struct Applied {
  std::vector<Difference> differences;
  Problems problems;  ///< what of them could not be done; the rest was
};

/// What differs between the tree and `wanted`, with objects of the tree that are not whole (a
/// device that is not enabled, a LUN without one) as things that go unless `wanted` has them.
/// Nothing is changed. An error: `wanted` is no configuration.
Expected<std::vector<Difference>> compare_with_tree(const tree::Tree& tree, const Json& wanted);

/// One at a time; changes that others make meanwhile may be lost or refused. An error: nothing was
/// changed.
Expected<Applied> apply_configuration(tree::Tree& tree, const Json& wanted,
                                      const ScsiAddress& address = scsi_address);

}  // namespace srpd::control
