// Timers, order, deferral, messages, pollers and stopping.
#include "runtime/loop.h"

#include <array>
#include <thread>
#include <vector>

#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

INSTANTIATE_TEST_SUITE_P(All, LoopTest, ::testing::Values("io_uring", "epoll", "simulated"),
                         [](const auto& kind) { return kind.param; });

TEST_P(LoopTest, TimersExpireInOrderOfDeadlineThenOfStarting) {
  std::vector<int> order;
  TestTimer late([&] { order.push_back(3); });
  TestTimer first([&] { order.push_back(1); });
  TestTimer second([&] { order.push_back(2); });
  const Time start = loop().now();
  loop().start_timer(late, start + 3ms);
  loop().start_timer(first, start + 1ms);
  loop().start_timer(second, start + 1ms);
  ASSERT_TRUE(run_until([&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_GE(loop().now(), start + 3ms);
}

TEST_P(LoopTest, TimerNeverExpiresEarly) {
  Time deadline{};
  Time expired{};
  int left = 20;
  TestTimer timer([&] {
    expired = loop().now();
    EXPECT_GE(expired, deadline);
    --left;
  });
  while (left > 0) {
    const int before = left;
    deadline = loop().now() + 130us;
    loop().start_timer(timer, deadline);
    ASSERT_TRUE(run_until([&] { return left < before; }));
  }
}

TEST_P(LoopTest, CancelledTimerDoesNotExpire) {
  bool ran = false;
  bool end = false;
  TestTimer cancelled([&] { ran = true; });
  TestTimer last([&] { end = true; });
  loop().start_timer(cancelled, loop().now() + 1ms);
  loop().start_timer(last, loop().now() + 5ms);
  EXPECT_TRUE(cancelled.armed());
  loop().cancel_timer(cancelled);
  EXPECT_FALSE(cancelled.armed());
  loop().cancel_timer(cancelled);
  ASSERT_TRUE(run_until([&] { return end; }));
  EXPECT_FALSE(ran);
}

TEST_P(LoopTest, TimerCancelsOneThatIsDueAtTheSameTime) {
  bool ran = false;
  bool end = false;
  TestTimer victim([&] { ran = true; });
  TestTimer canceller([&] { loop().cancel_timer(victim); });
  TestTimer last([&] { end = true; });
  const Time at = loop().now() + 1ms;
  loop().start_timer(canceller, at);
  loop().start_timer(victim, at);
  loop().start_timer(last, at + 1ms);
  ASSERT_TRUE(run_until([&] { return end; }));
  EXPECT_FALSE(ran);
}

TEST_P(LoopTest, RestartMovesAnArmedTimer) {
  int runs = 0;
  TestTimer timer([&] { ++runs; });
  const Time start = loop().now();
  loop().start_timer(timer, start + 1h);
  loop().start_timer(timer, start + 2ms);
  EXPECT_EQ(timer.deadline(), start + 2ms);
  ASSERT_TRUE(run_until([&] { return runs > 0; }));
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(timer.armed());
}

TEST_P(LoopTest, TimerRestartedForThePastLetsOthersRun) {
  bool other_ran = false;
  TestTimer other([&] { other_ran = true; });
  TestTimer greedy([&] {});
  greedy.function = [&] { loop().start_timer(greedy, loop().now() - 1s); };
  loop().start_timer(greedy, loop().now() - 1s);
  loop().start_timer(other, loop().now());
  ASSERT_TRUE(run_until([&] { return other_ran; }));
  loop().cancel_timer(greedy);
}

TEST_P(LoopTest, DeferredRunsOnceAtTheEndOfTheIteration) {
  std::vector<std::string> order;
  TestDeferred deferred([&] { order.emplace_back("deferred"); });
  TestTimer first([&] {
    order.emplace_back("first");
    loop().defer(deferred);
    loop().defer(deferred);
    EXPECT_TRUE(deferred.queued());
  });
  TestTimer second([&] {
    order.emplace_back("second");
    loop().defer(deferred);
  });
  const Time at = loop().now() + 1ms;
  loop().start_timer(first, at);
  loop().start_timer(second, at);
  ASSERT_TRUE(run_until([&] { return order.size() >= 3; }));
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "deferred"}));
  EXPECT_FALSE(deferred.queued());
}

TEST_P(LoopTest, DeferredFromOutsideRunsWithoutAnyOtherEvent) {
  bool ran = false;
  TestDeferred deferred([&] { ran = true; });
  loop().defer(deferred);
  ASSERT_TRUE(run_until([&] { return ran; }));
}

TEST_P(LoopTest, DeferredThatDefersForEverLetsTimersRun) {
  bool expired = false;
  std::uint64_t runs = 0;
  TestDeferred again([] {});
  again.function = [&] {
    ++runs;
    loop().defer(again);
  };
  TestTimer timer([&] { expired = true; });
  loop().defer(again);
  loop().start_timer(timer, loop().now());
  ASSERT_TRUE(run_until([&] { return expired && runs > 2; }));
  loop().cancel_deferred(again);
}

TEST_P(LoopTest, CancelledDeferredDoesNotRun) {
  std::vector<int> order;
  TestDeferred a([&] { order.push_back(1); });
  TestDeferred b([&] { order.push_back(2); });
  TestDeferred c([&] { order.push_back(3); });
  loop().defer(a);
  loop().defer(b);
  loop().defer(c);
  loop().cancel_deferred(c);
  loop().cancel_deferred(a);
  EXPECT_FALSE(c.queued());
  loop().defer(c);
  ASSERT_TRUE(run_until([&] { return order.size() == 2; }));
  EXPECT_EQ(order, (std::vector{2, 3}));
}

TEST_P(LoopTest, MailsOfOneSenderArriveInOrder) {
  std::vector<int> order;
  std::vector<std::unique_ptr<TestMail>> mails;
  for (int i = 0; i < 100; ++i) {
    mails.push_back(std::make_unique<TestMail>([&order, i] { order.push_back(i); }));
    loop().post(*mails.back());
  }
  ASSERT_TRUE(run_until([&] { return order.size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_P(LoopTest, MailMayBePostedAgainWhileItIsDelivered) {
  int delivered = 0;
  TestMail mail([] {});
  mail.function = [&] {
    if (++delivered < 10) loop().post(mail);
  };
  loop().post(mail);
  ASSERT_TRUE(run_until([&] { return delivered == 10; }));
}

TEST_P(LoopTest, PollerIsAskedAndMayRemoveItselfAndOthers) {
  int first_calls = 0;
  int second_calls = 0;
  TestPoller second([&] {
    ++second_calls;
    return false;
  });
  TestPoller first([] { return false; });
  first.function = [&] {
    if (++first_calls == 3) {
      loop().remove_poller(second);
      loop().remove_poller(first);
    }
    return true;
  };
  loop().add_poller(second);
  loop().add_poller(first);
  ASSERT_TRUE(run_until([&] { return first_calls == 3; }));
  const int calls = second_calls;
  EXPECT_GE(calls, 2);
  run_for(1ms);
  EXPECT_EQ(second_calls, calls);
  EXPECT_EQ(first_calls, 3);
}

TEST_P(LoopTest, StopBeforeRunReturnsAtOnceAndTheLoopRunsAgain) {
  loop().stop();
  loop().run();
  bool ran = false;
  TestTimer timer([&] { ran = true; });
  loop().start_timer(timer, loop().now());
  EXPECT_TRUE(run_until([&] { return ran; }));
}

TEST_P(LoopTest, StopFinishesTheIteration) {
  bool deferred_ran = false;
  TestDeferred deferred([&] { deferred_ran = true; });
  TestTimer timer([&] {
    loop().defer(deferred);
    loop().stop();
  });
  loop().start_timer(timer, loop().now());
  loop().run();
  EXPECT_TRUE(deferred_ran);
}

// A simulation has one thread.
class ThreadOfLoopTest : public LoopTest {};
INSTANTIATE_TEST_SUITE_P(Host, ThreadOfLoopTest, ::testing::Values("io_uring", "epoll"),
                         [](const auto& kind) { return kind.param; });

TEST_P(ThreadOfLoopTest, IsCurrentOnItsThread) {
  EXPECT_TRUE(loop().is_current());
  EXPECT_EQ(Loop::current(), &loop());
  bool elsewhere = true;
  Loop* current_elsewhere = &loop();
  std::thread([&] {
    elsewhere = loop().is_current();
    current_elsewhere = Loop::current();
  }).join();
  EXPECT_FALSE(elsewhere);
  EXPECT_EQ(current_elsewhere, nullptr);
}

}  // namespace
}  // namespace srpd::runtime::test
