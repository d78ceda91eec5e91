#include "service/watchdog.h"

#include <gtest/gtest.h>

#include <future>

#include "runtime/simulated_loop.h"
#include "runtime/thread.h"

namespace srpd::service {
namespace {

using namespace std::chrono_literals;

TEST(Watchdog, IsAliveSeveralTimesInEachIntervalWhileLoopsTurn) {
  runtime::Simulation simulation(1);
  runtime::SimulatedLoop home(simulation);
  runtime::SimulatedLoop other(simulation);
  std::vector<runtime::Time> alive;
  const Watchdog watchdog({&home, &other}, 20s, [&] {
    EXPECT_TRUE(home.is_current());
    alive.push_back(simulation.now());
  });
  simulation.run_until(60s);
  ASSERT_GE(alive.size(), 6U);
  EXPECT_LE(alive.size(), 13U);  // and no more often than that is good for
  for (std::size_t i = 1; i < alive.size(); ++i) EXPECT_LE(alive[i] - alive[i - 1], 10s);
}

// Keeps a loop from turning until it is told to go on.
struct Stuck final : runtime::Mail {
  Stuck() : Mail(&hold) {}
  static void hold(runtime::Mail& self) { static_cast<Stuck&>(self).released.get_future().wait(); }
  std::promise<void> released;
};

TEST(Watchdog, IsSilentWhileOneLoopIsStuck) {
  auto home = std::move(*runtime::make_loop({}));
  auto other = std::move(*runtime::LoopThread::start({.name = "other", .cpu = {}, .loop = {}}));
  Stuck stuck;
  other->loop().post(stuck);
  int alive = 0;
  const Watchdog watchdog({home.get(), &other->loop()}, 40ms, [&] {
    ++alive;
    home->stop();
  });
  struct Stop final : runtime::Timer {
    explicit Stop(runtime::Loop& stopped) : Timer(&expire), loop(stopped) {}
    static void expire(runtime::Timer& self) { static_cast<Stop&>(self).loop.stop(); }
    runtime::Loop& loop;
  } after_some_intervals(*home);
  home->start_timer(after_some_intervals, home->now() + 200ms);
  home->run();
  EXPECT_EQ(alive, 0);
  stuck.released.set_value();
  home->run();
  EXPECT_EQ(alive, 1);
  other->stop();
}

}  // namespace
}  // namespace srpd::service
