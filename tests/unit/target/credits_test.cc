#include "target/credits.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace srpd::target {
namespace {

TEST(Credits, EachAnswerGivesItsCreditBack) {
  Credits credits(4);
  EXPECT_TRUE(credits.consume());
  EXPECT_EQ(credits.host(), 3u);
  EXPECT_EQ(credits.answer(4), 1);
  EXPECT_EQ(credits.host(), 4u);
}

TEST(Credits, MoreThanGivenIsNoticed) {
  Credits credits(2);
  EXPECT_TRUE(credits.consume());
  EXPECT_TRUE(credits.consume());
  EXPECT_FALSE(credits.consume());
  EXPECT_EQ(credits.busy(), 2u);
}

TEST(Credits, AbortedOnesGoWithTheNextAnswer) {
  Credits credits(8);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(credits.consume());
  credits.carry();
  credits.carry();
  EXPECT_FALSE(credits.stranded());
  EXPECT_EQ(credits.answer(8), 3);
  EXPECT_EQ(credits.host(), 6u);
}

TEST(Credits, StrandedOnesNeedARequest) {
  Credits credits(2);
  ASSERT_TRUE(credits.consume());
  credits.carry();
  EXPECT_TRUE(credits.stranded());
  EXPECT_EQ(credits.give(2), 1);
  EXPECT_FALSE(credits.stranded());
  EXPECT_EQ(credits.host(), 2u);
}

TEST(Credits, Grow) {
  Credits credits(4);
  ASSERT_TRUE(credits.consume());
  EXPECT_EQ(credits.answer(10), 7);
  EXPECT_EQ(credits.host(), 10u);
  EXPECT_EQ(credits.limit(), 10u);
}

TEST(Credits, ShrinkByWithholding) {
  Credits credits(10);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(credits.consume());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(credits.answer(4), 0);
  EXPECT_EQ(credits.limit(), 4u);
  EXPECT_EQ(credits.answer(4), 1);
  EXPECT_EQ(credits.limit(), 4u);
}

TEST(Credits, NothingIsLostOrMadeWhateverHappens) {
  Random random(7);
  Credits credits(16);
  std::uint32_t host = 16;  // the host's own account
  std::uint32_t busy = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto wanted = static_cast<std::uint32_t>(4 + random.below(60));
    switch (random.below(4)) {
      case 0:
      case 1:
        if (credits.consume()) {
          --host;
          ++busy;
        } else {
          ASSERT_EQ(host, 0u);
        }
        break;
      case 2:
        if (busy == 0) break;
        --busy;
        host += static_cast<std::uint32_t>(credits.answer(wanted));
        break;
      case 3:
        if (busy == 0) break;
        --busy;
        credits.carry();
        if (random.one_in(4)) host += static_cast<std::uint32_t>(credits.give(wanted));
        break;
    }
    ASSERT_EQ(credits.host(), host);
    ASSERT_EQ(credits.busy(), busy);
    ASSERT_EQ(credits.limit(), credits.host() + credits.busy() + credits.pending());
  }
}

}  // namespace
}  // namespace srpd::target
