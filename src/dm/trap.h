// Trap 144, "local changes" (InfiniBand Architecture volume 1, 14.2.5.1): what makes a subnet
// manager tell its subscribers, srp_daemon among them, to look at this port again. Pure.
#pragma once

#include <cstdint>

#include "discovery/mad.h"

namespace srpd::dm {

/// A SubnTrap(Notice) of the port with this LID; `sequence` counts the notices.
discovery::Mad local_change_trap(std::uint16_t lid, std::uint32_t capability_mask,
                                 std::uint16_t sequence);

}  // namespace srpd::dm
