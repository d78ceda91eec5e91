// Readiness: the edge-triggered contract of Watch, on sockets and pipes.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

class WatchTest : public LoopTest {};

INSTANTIATE_TEST_SUITE_P(Host, WatchTest, ::testing::Values("io_uring", "epoll"),
                         [](const auto& kind) { return kind.param; });

class Pair {
 public:
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_.data()), 0); }
  ~Pair() {
    close(0);
    close(1);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  int operator[](std::size_t i) const { return fds_[i]; }
  void close(std::size_t i) {
    if (fds_[i] >= 0) ::close(std::exchange(fds_[i], -1));
  }

 private:
  std::array<int, 2> fds_{-1, -1};
};

/// Collects events; `react` runs on each.
struct Recorder final : Watch {
  void on_ready(std::uint32_t events) override {
    ++calls;
    seen |= events;
    if (react) react(events);
  }
  void forget() {
    calls = 0;
    seen = 0;
  }
  int calls = 0;
  std::uint32_t seen = 0;
  std::function<void(std::uint32_t)> react;
};

std::size_t drain(int fd) {
  std::array<char, 4096> buffer;
  std::size_t total = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) return total;
    total += static_cast<std::size_t>(got);
  }
}

TEST_P(WatchTest, FirstStateIsReported) {
  Pair pair;
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLIN) != 0; }));
  EXPECT_TRUE(watch.seen & EPOLLOUT);
  loop().unwatch(watch);
}

TEST_P(WatchTest, OnlyChangesAreReported) {
  Pair pair;
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLOUT) != 0; }));
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLIN) != 0; }));
  watch.forget();
  run_for(20ms);
  EXPECT_EQ(watch.calls, 0) << "the byte is still there, but that is no news";
  ASSERT_EQ(::write(pair[1], "y", 1), 1);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLIN) != 0; }));
  loop().unwatch(watch);
}

TEST_P(WatchTest, WritableAgainAfterTheBufferWasFull) {
  Pair pair;
  std::array<char, 65536> block{};
  while (::write(pair[0], block.data(), block.size()) > 0) {
  }
  ASSERT_EQ(errno, EAGAIN);
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  run_for(10ms);
  EXPECT_FALSE(watch.seen & EPOLLOUT);
  EXPECT_GT(drain(pair[1]), 0u);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLOUT) != 0; }));
  loop().unwatch(watch);
}

TEST_P(WatchTest, HangUpIsReportedAndDoesNotRepeat) {
  Pair pair;
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return watch.calls > 0; }));
  pair.close(1);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLHUP) != 0; }));
  EXPECT_TRUE(watch.seen & EPOLLRDHUP);
  run_for(5ms);
  watch.forget();
  run_for(20ms);
  EXPECT_EQ(watch.calls, 0);
  loop().unwatch(watch);
}

TEST_P(WatchTest, HalfCloseIsReported) {
  Pair pair;
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return watch.calls > 0; }));
  ASSERT_EQ(::shutdown(pair[1], SHUT_WR), 0);
  ASSERT_TRUE(run_until([&] { return (watch.seen & EPOLLRDHUP) != 0; }));
  EXPECT_FALSE(watch.seen & EPOLLHUP);
  loop().unwatch(watch);
}

// What a handler causes is news for the next iteration: a fast peer that reacts to everything must
// not keep deferred work waiting.
TEST_P(WatchTest, DeferredWorkRunsBetweenEventsThatCauseEachOther) {
  Pair pair;
  constexpr int rounds = 500;
  int handled = 0;
  int since_deferred = 0;
  int most = 0;
  TestDeferred deferred([&] { since_deferred = 0; });
  Recorder watch;
  watch.react = [&](std::uint32_t events) {
    if ((events & EPOLLIN) == 0 || drain(pair[0]) == 0) return;
    most = std::max(most, ++since_deferred);
    loop().defer(deferred);
    if (++handled < rounds) {
      ASSERT_EQ(::write(pair[1], "x", 1), 1);
    }
  };
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  ASSERT_TRUE(run_until([&] { return handled == rounds; }));
  EXPECT_LE(most, 2);
  loop().unwatch(watch);
}

TEST_P(WatchTest, PipesWorkInBothDirections) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  Recorder reader;
  Recorder writer;
  ASSERT_EQ(loop().watch(reader, ends[0]), 0);
  ASSERT_EQ(loop().watch(writer, ends[1]), 0);
  ASSERT_TRUE(run_until([&] { return (writer.seen & EPOLLOUT) != 0; }));
  EXPECT_EQ(reader.calls, 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  ASSERT_TRUE(run_until([&] { return (reader.seen & EPOLLIN) != 0; }));
  loop().unwatch(writer);
  ::close(ends[1]);
  ASSERT_TRUE(run_until([&] { return (reader.seen & EPOLLHUP) != 0; }));
  loop().unwatch(reader);
  ::close(ends[0]);
}

TEST_P(WatchTest, NoEventAfterUnwatchEvenWhenOneIsOnItsWay) {
  Pair pair;
  for (int i = 0; i < 50; ++i) {
    Recorder watch;
    ASSERT_EQ(loop().watch(watch, pair[0]), 0);
    if (i % 2 == 0) {
      ASSERT_TRUE(run_until([&] { return watch.calls > 0; }));
    }
    ASSERT_EQ(::write(pair[1], "x", 1), 1);
    loop().unwatch(watch);
    watch.forget();
    run_for(i < 5 ? Time{1ms} : Time{50us});
    EXPECT_EQ(watch.calls, 0);
  }
}

// Two descriptors become ready together; whoever is told first ends the other's watch and starts
// one of its own in the same place.
TEST_P(WatchTest, UnwatchOfAnotherInTheSameRoundAndReuseOfItsPlace) {
  Pair first;
  Pair second;
  Pair third;
  Recorder a;
  Recorder b;
  Recorder replacement;
  ASSERT_EQ(loop().watch(a, first[0]), 0);
  ASSERT_EQ(loop().watch(b, second[0]), 0);
  ASSERT_TRUE(run_until([&] { return a.calls > 0 && b.calls > 0; }));
  a.forget();
  b.forget();
  const auto replace = [&](Recorder& other) {
    return [&](std::uint32_t) {
      if (a.calls + b.calls != 1) return;
      loop().unwatch(other);
      EXPECT_EQ(loop().watch(replacement, third[0]), 0);
    };
  };
  a.react = replace(b);
  b.react = replace(a);
  ASSERT_EQ(::write(first[1], "x", 1), 1);
  ASSERT_EQ(::write(second[1], "x", 1), 1);
  ASSERT_TRUE(run_until([&] { return replacement.calls > 0; }));
  run_for(5ms);
  EXPECT_EQ(a.calls + b.calls, 1);
  EXPECT_FALSE(replacement.seen & EPOLLIN) << "an event of another descriptor";
  loop().unwatch(replacement);
  loop().unwatch(a.calls > 0 ? a : b);
}

TEST_P(WatchTest, UnwatchOfItselfInTheCallback) {
  Pair pair;
  Recorder watch;
  watch.react = [&](std::uint32_t) { loop().unwatch(watch); };
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return watch.calls > 0; }));
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  run_for(5ms);
  EXPECT_EQ(watch.calls, 1);
  loop().unwatch(watch);
}

TEST_P(WatchTest, CloseAfterUnwatchReachesThePeerAtOnce) {
  Pair pair;
  Recorder watch;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0);
  ASSERT_TRUE(run_until([&] { return watch.calls > 0; }));
  loop().unwatch(watch);
  pair.close(0);
  char byte = 0;
  EXPECT_EQ(::read(pair[1], &byte, 1), 0) << "end of file, without another turn of the loop";
}

TEST_P(WatchTest, RefusedDescriptors) {
  Recorder watch;
  EXPECT_EQ(loop().watch(watch, -1), -EBADF);
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(loop().watch(watch, file), -EPERM);
  ::close(file);
  Pair pair;
  ASSERT_EQ(loop().watch(watch, pair[0]), 0) << "a refusal leaves the watch usable";
  EXPECT_TRUE(run_until([&] { return watch.calls > 0; }));
  loop().unwatch(watch);
}

// More than the submission and completion queues hold.
TEST_P(WatchTest, ThousandsOfDescriptors) {
  constexpr std::size_t count = 3000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2 * count + 64) GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<Recorder>> watches;
  std::size_t readable = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto pair = std::make_unique<Pair>();
    auto& watch = *watches.emplace_back(std::make_unique<Recorder>());
    pairs.push_back(std::move(pair));
    ASSERT_EQ(loop().watch(watch, (*pairs.back())[0]), 0);
  }
  ASSERT_TRUE(run_until([&] {
    return std::all_of(watches.begin(), watches.end(), [](const auto& w) { return w->calls > 0; });
  }));
  for (std::size_t i = 0; i < count; ++i) {
    watches[i]->react = [&](std::uint32_t events) { readable += (events & EPOLLIN) != 0; };
    ASSERT_EQ(::write((*pairs[i])[1], "x", 1), 1);
  }
  EXPECT_TRUE(run_until([&] { return readable >= count; }));
  for (auto& watch : watches) loop().unwatch(*watch);
}

}  // namespace
}  // namespace srpd::runtime::test
