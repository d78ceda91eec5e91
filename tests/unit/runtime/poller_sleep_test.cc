// Pollers hear of a sleep before it begins, and may prevent it.
#include <gtest/gtest.h>

#include "runtime/loop.h"

namespace srpd::runtime {
namespace {

using namespace std::chrono_literals;

// Work that nothing announces, as in a completion queue that was not asked to: found by poll(), or
// just before a sleep that would never end.
struct Silent final : Poller {
  explicit Silent(Loop& on) : loop(on) {}
  bool poll() override { return false; }
  bool prepare_sleep() override {
    ++asked;
    if (asked < 3) return true;
    loop.stop();
    return false;
  }
  Loop& loop;
  int asked = 0;
};

struct Alarm : Timer {
  explicit Alarm(Loop& on)
      : Timer([](Timer& self) { static_cast<Alarm&>(self).expired = true; }), loop(on) {}
  ~Alarm() { loop.cancel_timer(*this); }
  Loop& loop;
  bool expired = false;
};

class PollerSleepTest : public ::testing::TestWithParam<LoopOptions::Backend> {};

TEST_P(PollerSleepTest, IsAskedAgainAsLongAsItFindsWork) {
  LoopOptions options;
  options.backend = GetParam();
  auto made = make_loop(options);
  if (!made) GTEST_SKIP() << made.error().text();
  Loop& loop = **made;
  Silent poller(loop);
  Alarm alarm(loop);
  loop.add_poller(poller);
  loop.start_timer(alarm, loop.now() + 10s);
  loop.run();
  loop.remove_poller(poller);
  EXPECT_EQ(poller.asked, 3);
  EXPECT_FALSE(alarm.expired);
}

INSTANTIATE_TEST_SUITE_P(Loops, PollerSleepTest,
                         ::testing::Values(LoopOptions::Backend::epoll,
                                           LoopOptions::Backend::automatic));

}  // namespace
}  // namespace srpd::runtime
