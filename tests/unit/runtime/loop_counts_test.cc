// What loops count is what they did.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/thread.h"

namespace srpd::runtime {
namespace {

using namespace std::chrono_literals;

struct Ready final : Watch {
  void on_ready(std::uint32_t) override { ++times; }
  std::uint64_t times = 0;
};

class LoopCountsOf : public testing::TestWithParam<LoopOptions::Backend> {
 protected:
  std::unique_ptr<LoopThread> start(std::chrono::microseconds poll_budget) {
    LoopThreadOptions options;
    options.loop.backend = GetParam();
    options.loop.poll_budget = poll_budget;
    auto started = LoopThread::start(options);
    return started ? std::move(*started) : nullptr;
  }
};

TEST_P(LoopCountsOf, PostsAndTheSleepsTheyEnd) {
  const auto thread = start(0us);
  if (thread == nullptr) GTEST_SKIP() << "the kernel does not offer this back end";
  Loop& loop = thread->loop();
  for (int i = 0; i < 1000; ++i) run_on(loop, [] {});
  // A turn is counted when it is over, which the one after it has seen.
  EXPECT_EQ(run_on(loop, [&] { return loop.counts().mails.get(); }), 1000u);
  EXPECT_GT(loop.counts().sleeps.get(), 0u);
  EXPECT_GT(loop.counts().wakes.load(), 0u);
  EXPECT_LE(loop.counts().wakes.load(), 1001u);
  EXPECT_GT(loop.counts().looks_with_work.get(), 0u);
}

TEST_P(LoopCountsOf, Events) {
  const auto thread = start(0us);
  if (thread == nullptr) GTEST_SKIP() << "the kernel does not offer this back end";
  Loop& loop = thread->loop();
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Ready ready;
  run_on(loop, [&] { EXPECT_EQ(loop.watch(ready, fd), 0); });
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(fd, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  std::uint64_t times = 0;
  while (times == 0) times = run_on(loop, [&] { return ready.times; });
  run_on(loop, [&] {
    EXPECT_EQ(loop.counts().events.get(), ready.times);
    loop.unwatch(ready);
  });
  ::close(fd);
}

INSTANTIATE_TEST_SUITE_P(BackEnds, LoopCountsOf,
                         testing::Values(LoopOptions::Backend::io_uring,
                                         LoopOptions::Backend::epoll),
                         [](const auto& of) {
                           return of.param == LoopOptions::Backend::epoll ? std::string("epoll")
                                                                          : std::string("io_uring");
                         });

}  // namespace
}  // namespace srpd::runtime
