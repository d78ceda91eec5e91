// What the data path uses again and again allocates nothing once it is warm.
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "unit/runtime/allocation_counter.h"
#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

class SteadyStateTest : public LoopTest {};

INSTANTIATE_TEST_SUITE_P(All, SteadyStateTest, ::testing::Values("io_uring", "epoll", "simulated"),
                         [](const auto& kind) { return kind.param; });

TEST(AllocationCounter, Counts) {
  const auto before = allocations();
  auto something = std::make_unique<int>(1);
  EXPECT_EQ(allocations(), before + 1);
}

TEST_P(SteadyStateTest, TimersMailsAndDeferredWorkDoNotAllocate) {
  int rounds = 0;
  TestTimer timer([] {});
  TestTimer far([] {});
  TestDeferred deferred([] {});
  TestMail mail([] {});
  timer.function = [&] {
    loop().cancel_timer(far);
    loop().start_timer(far, loop().now() + 1h);
    loop().defer(deferred);
  };
  deferred.function = [&] { loop().post(mail); };
  std::uint64_t before = 0;
  std::uint64_t during = UINT64_MAX;
  mail.function = [&] {
    if (++rounds == 50) before = allocations();
    if (rounds == 250) {
      during = allocations() - before;
      return;
    }
    loop().start_timer(timer, loop().now() + 10us);
  };
  loop().post(mail);
  ASSERT_TRUE(run_until([&] { return rounds == 250; }));
  EXPECT_EQ(during, 0u);
  loop().cancel_timer(far);
}

// The simulated loop has no descriptors.
class DescriptorSteadyStateTest : public SteadyStateTest {};
INSTANTIATE_TEST_SUITE_P(Host, DescriptorSteadyStateTest, ::testing::Values("io_uring", "epoll"),
                         [](const auto& kind) { return kind.param; });

TEST_P(DescriptorSteadyStateTest, WatchesAndReadinessDoNotAllocate) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
  struct Echo final : Watch {
    void on_ready(std::uint32_t) override {
      char byte = 0;
      while (::read(fd, &byte, 1) == 1) ++bytes;
    }
    int fd = -1;
    int bytes = 0;
  };
  Echo echo;
  echo.fd = fds[0];
  int rounds = 0;
  std::uint64_t before = 0;
  std::uint64_t during = UINT64_MAX;
  TestTimer timer([] {});
  timer.function = [&] {
    if (++rounds == 50) before = allocations();
    if (rounds == 150) {
      during = allocations() - before;
      return;
    }
    loop().unwatch(echo);
    EXPECT_EQ(loop().watch(echo, fds[0]), 0);
    EXPECT_EQ(::write(fds[1], "x", 1), 1);
    loop().start_timer(timer, loop().now() + 50us);
  };
  loop().start_timer(timer, loop().now());
  ASSERT_TRUE(run_until([&] { return rounds == 150; }));
  EXPECT_EQ(during, 0u);
  EXPECT_GT(echo.bytes, 100);
  loop().unwatch(echo);
  ::close(fds[0]);
  ::close(fds[1]);
}

}  // namespace
}  // namespace srpd::runtime::test
