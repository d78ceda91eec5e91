#include "runtime/simulated_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

// Three loops post to each other and set timers; the log of everything that happened.
std::string history(std::uint64_t seed) {
  Simulation simulation(seed);
  SimulatedLoop loops[] = {SimulatedLoop(simulation), SimulatedLoop(simulation),
                           SimulatedLoop(simulation)};
  std::string log;
  std::vector<std::unique_ptr<TestMail>> mails;
  std::vector<std::unique_ptr<TestTimer>> timers;
  for (int i = 0; i < 30; ++i) {
    auto& from = loops[i % 3];
    auto& to = loops[(i + 1) % 3];
    auto& mail = *mails.emplace_back(
        std::make_unique<TestMail>([&log, i] { log += 'm' + std::to_string(i); }));
    auto& timer = *timers.emplace_back(std::make_unique<TestTimer>([&log, &to, &mail, i] {
      log += 't' + std::to_string(i);
      to.post(mail);
    }));
    from.start_timer(timer, Time{static_cast<std::int64_t>(simulation.random().below(5))});
  }
  simulation.run_until_idle();
  return log + '@' + std::to_string(simulation.now().count());
}

TEST(Simulation, ASeedReplaysAndSeedsDiffer) {
  std::set<std::string> histories;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(history(seed), history(seed));
    histories.insert(history(seed));
  }
  EXPECT_EQ(histories.size(), 20u);
}

TEST(Simulation, TimePassesOnlyWhenNothingElseIsLeft) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  EXPECT_EQ(simulation.now(), Time{});
  Time delivered = Time::max();
  TestMail mail([&] { delivered = loop.now(); });
  TestTimer timer([] {});
  loop.start_timer(timer, 1h);
  loop.post(mail);
  simulation.run_until_idle();
  EXPECT_EQ(delivered, Time{});
  EXPECT_EQ(simulation.now(), 1h);
}

TEST(Simulation, RunUntilStopsAtTheLimit) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  bool ran = false;
  TestTimer timer([&] { ran = true; });
  loop.start_timer(timer, 10ms);
  EXPECT_FALSE(simulation.run_until([&] { return ran; }, 9ms));
  EXPECT_EQ(simulation.now(), 9ms);
  simulation.run_until(20ms);
  EXPECT_TRUE(ran);
  EXPECT_EQ(simulation.now(), 20ms);
  EXPECT_FALSE(simulation.step());
}

// Mails of one sender keep their order; those of different senders meet in every order.
TEST(Simulation, MailOrderIsFreeBetweenSendersOnly) {
  std::set<std::vector<int>> orders;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Simulation simulation(seed);
    SimulatedLoop receiver(simulation);
    SimulatedLoop a(simulation);
    SimulatedLoop b(simulation);
    std::vector<int> order;
    TestMail a1([&] { order.push_back(1); });
    TestMail a2([&] { order.push_back(2); });
    TestMail b1([&] { order.push_back(3); });
    TestMail b2([&] { order.push_back(4); });
    TestTimer from_a([&] {
      receiver.post(a1);
      receiver.post(a2);
    });
    TestTimer from_b([&] {
      receiver.post(b1);
      receiver.post(b2);
    });
    a.start_timer(from_a, 1ms);
    b.start_timer(from_b, 1ms);
    simulation.run_until_idle();
    ASSERT_EQ(order.size(), 4u);
    EXPECT_LT(std::find(order.begin(), order.end(), 1), std::find(order.begin(), order.end(), 2));
    EXPECT_LT(std::find(order.begin(), order.end(), 3), std::find(order.begin(), order.end(), 4));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6u) << "all interleavings of two and two";
}

TEST(Simulation, TurnsBelongToOneLoop) {
  Simulation simulation(1);
  SimulatedLoop a(simulation);
  SimulatedLoop b(simulation);
  EXPECT_TRUE(a.is_current());
  EXPECT_TRUE(b.is_current());
  bool checked = false;
  TestTimer timer([&] {
    checked = true;
    EXPECT_TRUE(b.is_current());
    EXPECT_FALSE(a.is_current());
    EXPECT_EQ(Loop::current(), &b);
  });
  b.start_timer(timer, 0ms);
  simulation.run_until_idle();
  EXPECT_TRUE(checked);
  EXPECT_EQ(Loop::current(), &a);
}

TEST(Simulation, WatchIsRefused) {
  struct Silent final : Watch {
    void on_ready(std::uint32_t) override { FAIL(); }
  };
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  Silent watch;
  EXPECT_EQ(loop.watch(watch, 0), -ENOTSUP);
}

TEST(Simulation, FileResultsArriveInlineAndLater) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  int inline_results = 0;
  for (int i = 0; i < 64; ++i) {
    FileOperation operation;
    operation.kind = FileOperation::Kind::fsync;
    operation.fd = -1;
    loop.submit(operation);
    inline_results += operation.done() ? 1 : 0;
    simulation.run_until_idle();
    EXPECT_EQ(operation.result(), -EBADF);
  }
  EXPECT_GT(inline_results, 0);
  EXPECT_LT(inline_results, 64);
}

}  // namespace
}  // namespace srpd::runtime::test
