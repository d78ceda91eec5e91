// The unit that LIO's wiki shows, as ib_srpt answers for it on a ConnectX.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "discovery/io_unit.h"

namespace srpd::test {

inline constexpr std::uint64_t wiki_guid = 0x0002c903000e8acc;
inline constexpr discovery::Hardware wiki_hardware{0x2c9, 0x673c, 0xb0};

inline discovery::IoUnit unit_of(const std::vector<discovery::ServedPort>& ports) {
  discovery::IoUnit unit;
  const auto updated = discovery::update(unit, discovery::controllers_of(ports, wiki_hardware));
  EXPECT_TRUE(updated && *updated);
  return unit;
}

inline discovery::IoUnit wiki_unit() { return unit_of({{wiki_guid, wiki_guid, wiki_guid}}); }

}  // namespace srpd::test
