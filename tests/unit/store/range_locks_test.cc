#include "store/range_locks.h"

#include <gtest/gtest.h>

#include <array>

#include "runtime/simulated_loop.h"

namespace srpd::store {
namespace {

class RangeLocksTest : public testing::Test {
 protected:
  RangeLocks::Hold& take(std::size_t index, std::uint64_t begin, std::uint64_t end, bool shared) {
    locks_.acquire(loop_, holds_[index], {begin, end, shared});
    return holds_[index];
  }
  void give(std::size_t index) {
    locks_.release(holds_[index]);
    simulation_.run_until_idle();
  }
  bool has(std::size_t index) const { return holds_[index].done(); }

  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
  RangeLocks locks_;
  std::array<RangeLocks::Hold, 5> holds_;
};

TEST_F(RangeLocksTest, OnlyWhatOverlapsWaits) {
  take(0, 0, 10, false);
  take(1, 10, 20, false);
  take(2, 9, 11, true);
  take(3, 20, 21, true);
  EXPECT_TRUE(has(0) && has(1) && has(3));
  EXPECT_FALSE(has(2));
  give(0);
  EXPECT_FALSE(has(2));
  give(1);
  EXPECT_TRUE(has(2));
  give(2);
  give(3);
}

TEST_F(RangeLocksTest, ReadersShareAndDoNotOvertakeAWriter) {
  take(0, 0, 10, true);
  take(1, 5, 15, true);
  take(2, 0, 10, false);
  take(3, 0, 4, true);
  EXPECT_TRUE(has(0) && has(1));
  EXPECT_FALSE(has(2) || has(3));
  give(0);
  EXPECT_FALSE(has(2) || has(3));
  give(1);
  EXPECT_TRUE(has(2));
  EXPECT_FALSE(has(3));
  give(2);
  EXPECT_TRUE(has(3));
  give(3);
}

TEST_F(RangeLocksTest, AllWhoCanGoOnDoAtOnce) {
  take(0, 0, 100, false);
  take(1, 0, 10, false);
  take(2, 10, 20, false);
  take(3, 15, 30, true);
  take(4, 40, 50, true);
  give(0);
  EXPECT_TRUE(has(1) && has(2) && has(4));
  EXPECT_FALSE(has(3));
  give(2);
  EXPECT_TRUE(has(3));
  give(1);
  give(3);
  give(4);
}

}  // namespace
}  // namespace srpd::store
