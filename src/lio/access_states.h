// ALUA states that come from elsewhere than the tree: hosts set them, files have them from before
// the restart.
#pragma once

#include <vector>

#include "lio/engine.h"
#include "tree/tree.h"

namespace srpd::lio {

/// A host has set these of a device by SET TARGET PORT GROUPS: the tree shows them, saves those
/// that are to be saved, and changes the units that belong together with this one. A device that
/// was removed meanwhile, or made anew, is left alone.
void take_over_access_states(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                             const std::vector<AccessChange>& changes);

/// The states that were saved last, of groups that are to be saved (alua_write_metadata) and of
/// LUNs, when the configuration is back and no host has been let in. What cannot be understood is
/// logged and left.
void restore_access_states(tree::Tree& tree);

}  // namespace srpd::lio
