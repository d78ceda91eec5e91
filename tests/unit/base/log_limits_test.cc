#include "base/log_limits.h"

#include <gtest/gtest.h>

namespace srpd::log {
namespace {

using namespace std::chrono_literals;
constexpr SiteLimits::Time start = 1000s;

int flood(SiteLimits& limits, std::string_view site, SiteLimits::Time from, SiteLimits::Time until,
          int lines) {
  int admitted = 0;
  for (int i = 0; i < lines; ++i)
    admitted += limits.admit(site, from + (until - from) * i / lines) ? 1 : 0;
  return admitted;
}

TEST(SiteLimits, LetABurstPassAndThenATrickle) {
  SiteLimits limits;
  EXPECT_EQ(flood(limits, "flooded {}", start, start + 1ms, 5000), SiteLimits::burst);
  EXPECT_EQ(flood(limits, "flooded {}", start + 1ms, start + 20 * SiteLimits::interval, 5000), 19);
}

TEST(SiteLimits, OtherSitesAreFree) {
  SiteLimits limits;
  flood(limits, "flooded {}", start, start + 1ms, 5000);
  EXPECT_TRUE(limits.admit("quiet {}", start + 1ms));
}

TEST(SiteLimits, QuietGivesTheBurstBack) {
  SiteLimits limits;
  flood(limits, "flooded {}", start, start + 1ms, 5000);
  const auto later = start + SiteLimits::burst * SiteLimits::interval + 1s;
  EXPECT_EQ(flood(limits, "flooded {}", later, later + 1ms, 5000), SiteLimits::burst);
}

TEST(SiteLimits, SuppressedLinesAreToldOnceWhenTheSiteMayWriteAgain) {
  SiteLimits limits;
  constexpr std::string_view site = "flooded {}";
  flood(limits, site, start, start + 1ms, SiteLimits::burst + 7);
  EXPECT_FALSE(limits.take_suppressed(start + 1ms).has_value());
  const auto later = start + SiteLimits::interval;
  const auto told = limits.take_suppressed(later);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->lines, 7u);
  EXPECT_EQ(told->site, site);
  EXPECT_FALSE(limits.take_suppressed(later).has_value());
}

TEST(SiteLimits, NothingSuppressedIsNothingToTell) {
  SiteLimits limits;
  limits.admit("quiet {}", start);
  EXPECT_FALSE(limits.take_suppressed(start + 1h).has_value());
}

}  // namespace
}  // namespace srpd::log
