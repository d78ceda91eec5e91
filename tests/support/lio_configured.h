// The configuration whose tree was dumped on the kernel: every kind of backstore, ALUA groups, a
// target with two LUNs and two initiators.
#pragma once

#include <string>

#include "support/lio_world.h"

namespace srpd::lio::test {

inline constexpr const char* dumped_port = "srpt/0xfe80000000000000000000fffe000001";

/// Made by the operations that rtslib does, in its order. Returns the errno of the first that
/// failed.
int make_dumped_configuration(World& world);

}  // namespace srpd::lio::test
