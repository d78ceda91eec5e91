#include "runtime/adaptive_poll.h"

#include <gtest/gtest.h>

namespace srpd::runtime {
namespace {

using namespace std::chrono_literals;

// Work every `gap`, looked for every microsecond; the time spent looking.
Time time_spent_looking(AdaptivePoll& pace, Time& now, Time gap, int times) {
  Time spent{};
  for (int i = 0; i < times; ++i) {
    const Time next = now + gap;
    while (now < next) {
      if (!pace.keep_looking(now)) {
        now = next;
        break;
      }
      now += 1us;
      spent += 1us;
    }
    pace.found_work(now);
  }
  return spent;
}

TEST(AdaptivePoll, LooksThroughShortGaps) {
  Lookouts lookouts(1);
  AdaptivePoll pace(50us, lookouts);
  Time now = 1s;
  time_spent_looking(pace, now, 10us, 40);
  EXPECT_EQ(time_spent_looking(pace, now, 10us, 100), 1000us);
}

TEST(AdaptivePoll, SleepsThroughLongGapsButProbes) {
  Lookouts lookouts(1);
  AdaptivePoll pace(50us, lookouts);
  Time now = 1s;
  time_spent_looking(pace, now, 1ms, 40);
  const Time spent = time_spent_looking(pace, now, 1ms, 160);
  EXPECT_GT(spent, 0us);
  EXPECT_LE(spent, Time{160ms} / 200) << "more than half a per cent of the time";
}

TEST(AdaptivePoll, ReturnsToLookingAfterALongPause) {
  Lookouts lookouts(1);
  AdaptivePoll pace(50us, lookouts);
  Time now = 1s;
  time_spent_looking(pace, now, 10us, 100);
  time_spent_looking(pace, now, 1h, 1);
  time_spent_looking(pace, now, 10us, 40);
  EXPECT_EQ(time_spent_looking(pace, now, 10us, 10), 100us);
}

TEST(AdaptivePoll, BeingStoppedWhileLookingMeansSleepingForAWhile) {
  Lookouts lookouts(1);
  AdaptivePoll pace(50us, lookouts);
  Time now = 1s;
  time_spent_looking(pace, now, 10us, 100);
  // A time slice of another thread in the middle of looking.
  EXPECT_TRUE(pace.keep_looking(now));
  now += 4ms;
  pace.found_work(now);
  EXPECT_EQ(time_spent_looking(pace, now, 10us, 4900), 0us) << "49 of 50 ms";
  time_spent_looking(pace, now, 10us, 200);
  EXPECT_EQ(time_spent_looking(pace, now, 10us, 10), 100us) << "tries again";
  EXPECT_TRUE(pace.keep_looking(now));
  now += 4ms;
  EXPECT_FALSE(pace.keep_looking(now));
  pace.found_work(now);
  EXPECT_EQ(time_spent_looking(pace, now, 10us, 9900), 0us) << "99 of now 100 ms";
}

TEST(AdaptivePoll, NoBudgetNeverLooks) {
  Lookouts lookouts(1);
  AdaptivePoll pace(0us, lookouts);
  Time now = 1s;
  EXPECT_EQ(time_spent_looking(pace, now, 1us, 100), 0us);
}

TEST(AdaptivePoll, OnlySoManyLookAtTheSameTime) {
  Lookouts lookouts(1);
  AdaptivePoll first(50us, lookouts), second(50us, lookouts);
  Time now = 1s;
  time_spent_looking(first, now, 10us, 40);
  time_spent_looking(second, now, 10us, 40);
  EXPECT_TRUE(first.keep_looking(now));
  EXPECT_FALSE(second.keep_looking(now));
  second.found_work(now);
  first.found_work(now);
  EXPECT_TRUE(second.keep_looking(now));
  EXPECT_FALSE(first.keep_looking(now));
  EXPECT_FALSE(second.keep_looking(now + 50us)) << "its time is over";
  first.found_work(now + 50us);
  EXPECT_TRUE(first.keep_looking(now + 50us));
}

}  // namespace
}  // namespace srpd::runtime
