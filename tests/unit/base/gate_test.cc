#include "base/gate.h"

#include <gtest/gtest.h>

namespace srpd {
namespace {

TEST(Gate, DrainsWhenTheLastHolderLeaves) {
  Gate gate;
  int drained = 0;
  ASSERT_TRUE(gate.enter());
  ASSERT_TRUE(gate.enter());
  gate.close([](void* context) { ++*static_cast<int*>(context); }, &drained);
  EXPECT_FALSE(gate.enter());
  gate.leave();
  EXPECT_EQ(drained, 0);
  gate.leave();
  EXPECT_EQ(drained, 1);
}

TEST(Gate, DrainsAtOnceWhenEmpty) {
  Gate gate;
  int drained = 0;
  gate.close([](void* context) { ++*static_cast<int*>(context); }, &drained);
  EXPECT_EQ(drained, 1);
}

}  // namespace
}  // namespace srpd
