// The tree where LIO's tools look for it: below /sys/kernel/config.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace srpd::ns {

/// What of the machine is replaced, and how, depends on its kernel.
enum class Form {
  already_there,     ///< the tree is at /sys/kernel/config already
  over_configfs,     ///< there is such a directory: the tree covers it
  beside_lio,        ///< the kernel's target is in use: only target/ is covered
  without_configfs,  ///< the kernel has none: /sys/kernel is extended
};

/// That `tree` is a mounted tree which somebody serves, else what to do.
Expected<void> check_tree(const std::string& tree);

/// For a private mount namespace, into which it puts the tree.
Expected<Form> show_tree(const std::string& tree);

/// For all processes of a machine whose kernel has configfs but no target in it: the tree covers
/// configfs, whose other subsystems show through. Each needs a directory in the tree.
Expected<void> show_everywhere(const std::string& tree);
/// Undoes that.
Expected<void> hide_everywhere();
/// What else there is in configfs than the target.
std::vector<std::string> other_subsystems();

/// Makes RDMA ports known to tools that look for them in sysfs, if the machine has none of its own:
/// targetcli hides /srpt otherwise, and offers these names. A name is 32 hex digits.
Expected<void> show_ports(const std::vector<std::string>& names);

/// Names of the targets in the tree that are of the form that a port's can have: 0x and 32 hex
/// digits.
std::vector<std::string> target_names(const std::string& tree);

}  // namespace srpd::ns
