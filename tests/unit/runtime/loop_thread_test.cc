// What crosses threads: mails from many senders, waking a sleeping loop, stop; run it under TSan.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "runtime/thread.h"
#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

class LoopThreadTest : public ::testing::TestWithParam<LoopOptions::Backend> {
 protected:
  std::unique_ptr<LoopThread> start(std::chrono::microseconds poll_budget = 50us) {
    LoopThreadOptions options;
    options.loop.backend = GetParam();
    options.loop.poll_budget = poll_budget;
    auto thread = LoopThread::start(options);
    return thread ? std::move(*thread) : nullptr;
  }
};

INSTANTIATE_TEST_SUITE_P(Host, LoopThreadTest,
                         ::testing::Values(LoopOptions::Backend::io_uring,
                                           LoopOptions::Backend::epoll),
                         [](const auto& backend) {
                           return std::string(
                               backend.param == LoopOptions::Backend::epoll ? "epoll" : "io_uring");
                         });

#define START_OR_SKIP(name, ...)        \
  const auto name = start(__VA_ARGS__); \
  if (name == nullptr) GTEST_SKIP() << "refused on this machine"

TEST_P(LoopThreadTest, MailsFromManyThreadsArriveOnceAndInOrderPerSender) {
  START_OR_SKIP(thread);
  constexpr int senders = 4;
  constexpr int per_sender = 5000;
  struct Numbered : Mail {
    Numbered() : Mail([](Mail& self) { static_cast<Numbered&>(self).arrive(); }) {}
    void arrive() {
      if (*expected != number) wrong->fetch_add(1);
      ++*expected;
      left->fetch_sub(1, std::memory_order_release);
    }
    int number = 0;
    int* expected = nullptr;  // of the loop's thread
    std::atomic<int>* left = nullptr;
    std::atomic<int>* wrong = nullptr;
  };
  std::atomic<int> left{senders * per_sender};
  std::atomic<int> wrong{0};
  std::vector<int> expected(senders, 0);
  std::vector<std::vector<Numbered>> mails;
  for (int s = 0; s < senders; ++s) mails.emplace_back(per_sender);
  std::vector<std::thread> threads;
  for (std::size_t s = 0; s < senders; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < per_sender; ++i) {
        Numbered& mail = mails[s][static_cast<std::size_t>(i)];
        mail.number = i;
        mail.expected = &expected[s];
        mail.left = &left;
        mail.wrong = &wrong;
        thread->loop().post(mail);
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& sender : threads) sender.join();
  // A control thread's call comes after everything that was posted before it.
  run_on(thread->loop(), [] {});
  EXPECT_EQ(left.load(), 0);
  EXPECT_EQ(wrong.load(), 0);
}

// A lost wake-up would hang here: every message finds the other loop about to sleep.
TEST_P(LoopThreadTest, TwoLoopsThatAnswerEachOtherNeverMissAWakeUp) {
  for (const auto budget : {0us, 50us}) {
    START_OR_SKIP(left, budget);
    START_OR_SKIP(right, budget);
    struct Ball : Mail {
      Ball() : Mail([](Mail& self) { static_cast<Ball&>(self).arrive(); }) {}
      void arrive() {
        if (--hits == 0) {
          done.set();
          return;
        }
        at = 1 - at;
        loops[at]->post(*this);
      }
      int hits = 4000;
      std::size_t at = 0;
      Loop* loops[2] = {};
      detail::Signal done;
    };
    Ball ball;
    ball.loops[0] = &left->loop();
    ball.loops[1] = &right->loop();
    ball.loops[0]->post(ball);
    ball.done.wait();
    EXPECT_EQ(ball.hits, 0);
    // Who threw last may still be on its way out of post().
    left->stop();
    right->stop();
  }
}

TEST_P(LoopThreadTest, RunOnReturnsTheValueAndRunsOnTheLoop) {
  START_OR_SKIP(thread);
  Loop& loop = thread->loop();
  EXPECT_FALSE(loop.is_current());
  const std::string text = run_on(loop, [&] {
    EXPECT_TRUE(loop.is_current());
    EXPECT_EQ(Loop::current(), &loop);
    // Already there: no message to itself, which nobody would deliver.
    return run_on(loop, [] { return std::string("from the loop"); });
  });
  EXPECT_EQ(text, "from the loop");
}

TEST_P(LoopThreadTest, StopEndsASleepingLoop) {
  START_OR_SKIP(thread, 0us);
  std::this_thread::sleep_for(5ms);
  thread->stop();
  thread->stop();
}

TEST_P(LoopThreadTest, IdleLoopSleeps) {
  START_OR_SKIP(thread);
  timespec used{};
  clockid_t clock{};
  run_on(thread->loop(), [&] { ::pthread_getcpuclockid(::pthread_self(), &clock); });
  const auto cpu_time = [&] {
    ::clock_gettime(clock, &used);
    return std::chrono::seconds(used.tv_sec) + Time(used.tv_nsec);
  };
  // Busy for a while first, so that it would look for work if that paid.
  for (int i = 0; i < 2000; ++i) run_on(thread->loop(), [] {});
  std::this_thread::sleep_for(10ms);
  const Time before = cpu_time();
  std::this_thread::sleep_for(400ms);
  EXPECT_LT(cpu_time() - before, 2ms) << "0.5 % of a core";
}

TEST(LoopThread, NameAndCpu) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) ++cpu;
  LoopThreadOptions options;
  options.name = "a-name-that-is-too-long";
  options.cpu = cpu;
  auto thread = LoopThread::start(options);
  ASSERT_TRUE(thread);
  run_on((*thread)->loop(), [&] {
    char name[16] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof(name));
    EXPECT_STREQ(name, "a-name-that-is-");
    EXPECT_EQ(::sched_getcpu(), cpu);
  });
}

TEST(LoopThread, ImpossibleCpuIsAnErrorThatNamesIt) {
  for (const int cpu : {-1, 1'000'000, CPU_SETSIZE - 1}) {
    LoopThreadOptions options;
    options.cpu = cpu;
    auto thread = LoopThread::start(options);
    ASSERT_FALSE(thread) << cpu;
    EXPECT_NE(thread.error().text().find(std::to_string(cpu)), std::string::npos);
  }
}

}  // namespace
}  // namespace srpd::runtime::test
