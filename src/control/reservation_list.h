// Which backstores hosts have reserved, or registered at: what pr/ of each says, together.
#pragma once

#include "control/json_reader.h"
#include "tree/tree.h"

namespace srpd::control {

/// [{"object", "holder": who has it reserved, or null, "type": LIO's words for how, or "RESERVE",
/// "generation", "persists", "registrations": [{"initiator", "key", "generation"}]}], of those
/// that hosts have done something with, in the order of their names.
Json reservations(const tree::Tree& tree);

}  // namespace srpd::control
