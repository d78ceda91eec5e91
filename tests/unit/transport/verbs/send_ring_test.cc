#include "transport/verbs/send_ring.h"

#include <gtest/gtest.h>

namespace srpd::transport::verbs {
namespace {

TEST(SendRing, GivesBackInOrder) {
  SendRing<int> ring(3);
  EXPECT_TRUE(ring.empty());
  for (int round = 0; round < 100; ++round) {
    const std::uint32_t first = ring.push(round);
    const std::uint32_t second = ring.push(-round);
    EXPECT_EQ(ring.size(), 2u);
    EXPECT_EQ(ring.room(), 1u);
    EXPECT_EQ(ring.first(), first);
    EXPECT_EQ(second, first + 1);
    EXPECT_EQ(ring.pop(), round);
    EXPECT_EQ(ring.pop(), -round);
  }
}

TEST(SendRing, HoldsAsMuchAsWasGranted) {
  SendRing<int> ring(5);
  for (int i = 0; i < 5; ++i) ring.push(i);
  EXPECT_EQ(ring.room(), 0u);
  EXPECT_EQ(ring.pop(), 0);
  EXPECT_EQ(ring.room(), 1u);
}

TEST(SendRing, KnowsWhatIsInIt) {
  SendRing<int> ring(4);
  const std::uint32_t gone = ring.push(0);
  const std::uint32_t there = ring.push(1);
  ring.pop();
  EXPECT_FALSE(ring.contains(gone));
  EXPECT_TRUE(ring.contains(there));
  EXPECT_EQ(ring[there], 1);
  EXPECT_EQ(ring.front(), 1);
  EXPECT_FALSE(ring.contains(there + 1));
}

// However long a work is, completions come before the queue is full.
TEST(SendRing, AsksForCompletionsInTime) {
  for (const std::uint32_t capacity : {1u, 2u, 3u, 4u, 127u}) {
    SendRing<int> ring(capacity);
    std::uint32_t without = 0;
    for (int i = 0; i < 1000; ++i) {
      without = ring.must_signal() ? 0 : without + 1;
      EXPECT_LT(without, capacity);
    }
  }
}

TEST(SendRing, CountsFromTheLastCompletionAskedFor) {
  SendRing<int> ring(8);
  EXPECT_FALSE(ring.must_signal());
  ring.signaled();
  EXPECT_FALSE(ring.must_signal());
  EXPECT_TRUE(ring.must_signal());
}

}  // namespace
}  // namespace srpd::transport::verbs
