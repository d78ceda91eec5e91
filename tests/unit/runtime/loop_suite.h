// What every kind of loop must do is tested once, for all of them: LoopTest is parametrised by the
// kind, run_until() drives the loop until something is true.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "runtime/loop.h"

namespace srpd::runtime::test {

using namespace std::chrono_literals;

/// A loop of one kind and the way to run it.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Loop& loop() = 0;
  /// Runs the loop until `done`, at most `limit` (of its own time). False at the limit.
  virtual bool run_until(const std::function<bool()>& done, Time limit) = 0;
};

/// "io_uring", "epoll", "simulated"; null where the machine refuses that kind.
std::unique_ptr<Bench> make_bench(const std::string& kind, const LoopOptions& options = {});

class LoopTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    bench_ = make_bench(GetParam());
    if (bench_ == nullptr) GTEST_SKIP() << GetParam() << " is refused on this machine";
  }
  Loop& loop() { return bench_->loop(); }
  bool run_until(const std::function<bool()>& done, Time limit = 20s) {
    return bench_->run_until(done, limit);
  }
  void run_for(Time time) {
    EXPECT_FALSE(run_until([] { return false; }, time));
  }

 private:
  std::unique_ptr<Bench> bench_;
};

/// A timer that calls a function object.
struct TestTimer : Timer {
  explicit TestTimer(std::function<void()> f)
      : Timer([](Timer& self) { static_cast<TestTimer&>(self).function(); }),
        function(std::move(f)) {}
  std::function<void()> function;
};

struct TestMail : Mail {
  explicit TestMail(std::function<void()> f)
      : Mail([](Mail& self) { static_cast<TestMail&>(self).function(); }), function(std::move(f)) {}
  std::function<void()> function;
};

struct TestDeferred : Deferred {
  explicit TestDeferred(std::function<void()> f)
      : Deferred([](Deferred& self) { static_cast<TestDeferred&>(self).function(); }),
        function(std::move(f)) {}
  std::function<void()> function;
};

struct TestPoller final : Poller {
  explicit TestPoller(std::function<bool()> f) : function(std::move(f)) {}
  bool poll() override { return function(); }
  std::function<bool()> function;
};

}  // namespace srpd::runtime::test
