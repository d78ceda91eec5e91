#include "runtime/wake_cost.h"

#include <gtest/gtest.h>

namespace srpd::runtime::test {
namespace {

using namespace std::chrono_literals;

TEST(WakeCost, IsAPlausibleTimeAndStaysTheSame) {
  const Time cost = wake_cost();
  EXPECT_GT(cost, 100ns);
  EXPECT_LE(cost, 100ms);
  EXPECT_EQ(wake_cost(), cost);
}

}  // namespace
}  // namespace srpd::runtime::test
