#include "transport/verbs/keep_alive.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "runtime/simulated_loop.h"

namespace srpd::transport::verbs {
namespace {

using namespace std::chrono_literals;
using runtime::Time;

class FakeConnection final : public KeepAlive::Connection {
 public:
  explicit FakeConnection(runtime::Loop& loop) : loop_(loop) {}

  std::vector<Time> asked;
  std::vector<Time> given_up;
  bool posted = false;
  bool answers = true;  ///< what it is asked

 private:
  bool awaits() const override { return posted; }
  void ask() override {
    asked.push_back(loop_.now());
    posted = !answers;
    if (answers) moved();
  }
  void give_up() override {
    given_up.push_back(loop_.now());
    posted = false;
  }

  runtime::Loop& loop_;
};

class KeepAliveTest : public ::testing::Test, KeepAlive::Owner {
 protected:
  void catch_up() override {
    for (FakeConnection* each : late_) {
      each->posted = false;
      each->moved();
    }
    late_.clear();
  }
  void run_for(Time time) { simulation_.run_until(simulation_.now() + time); }

  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
  KeepAlive keep_alive_{loop_, *this, {10s, 30s}};
  FakeConnection one_{loop_};
  FakeConnection other_{loop_};
  std::vector<FakeConnection*> late_;  // have completions that nobody has handled
};

TEST_F(KeepAliveTest, AsksAnIdleConnectionAgainAndAgain) {
  keep_alive_.add(one_);
  run_for(2min);
  ASSERT_GE(one_.asked.size(), 8u);
  Time before{};
  for (const Time at : one_.asked) {
    EXPECT_GE(at - before, 10s);
    EXPECT_LE(at - before, 15s);
    before = at;
  }
  EXPECT_TRUE(one_.given_up.empty());
  keep_alive_.remove(one_);
}

TEST_F(KeepAliveTest, GivesUpWhatDoesNotAnswer) {
  one_.answers = false;
  keep_alive_.add(one_);
  keep_alive_.add(other_);
  simulation_.run_until([&] { return !one_.given_up.empty(); }, 5min);
  ASSERT_EQ(one_.asked.size(), 1u);
  ASSERT_EQ(one_.given_up.size(), 1u);
  EXPECT_GE(one_.given_up[0] - one_.asked[0], 30s);
  EXPECT_LE(one_.given_up[0] - one_.asked[0], 40s);
  EXPECT_LE(one_.given_up[0], 50s);
  EXPECT_TRUE(other_.given_up.empty());
  keep_alive_.remove(one_);
  keep_alive_.remove(other_);
}

TEST_F(KeepAliveTest, AsksNoBusyConnection) {
  keep_alive_.add(one_);
  for (int i = 0; i < 60; ++i) {
    one_.moved();
    run_for(4s);
  }
  EXPECT_TRUE(one_.asked.empty());
  keep_alive_.remove(one_);
}

// Something else than an answer to a question is posted, with retries for ever.
TEST_F(KeepAliveTest, GivesUpWhatDoesNotCompleteAnything) {
  keep_alive_.add(one_);
  run_for(7s);
  one_.posted = true;
  const Time begun = simulation_.now();
  simulation_.run_until([&] { return !one_.given_up.empty(); }, 1min);
  EXPECT_TRUE(one_.asked.empty());
  ASSERT_EQ(one_.given_up.size(), 1u);
  EXPECT_GE(one_.given_up[0] - begun, 30s);
  EXPECT_LE(one_.given_up[0] - begun, 40s);
  keep_alive_.remove(one_);
}

TEST_F(KeepAliveTest, KeepsWhatIsSlowButMoves) {
  keep_alive_.add(one_);
  one_.posted = true;
  for (int i = 0; i < 20; ++i) {
    run_for(25s);
    one_.moved();
  }
  EXPECT_TRUE(one_.given_up.empty());
  one_.posted = false;
  keep_alive_.remove(one_);
}

// As after a stop of the process: the timer is overdue, and so are completions.
TEST_F(KeepAliveTest, HandlesWhatHasCompletedBeforeItJudges) {
  keep_alive_.add(one_);
  one_.posted = true;
  run_for(29s);
  late_.push_back(&one_);
  run_for(20s);
  EXPECT_TRUE(one_.given_up.empty());
  keep_alive_.remove(one_);
}

TEST_F(KeepAliveTest, CostsNothingWithoutConnections) {
  keep_alive_.add(one_);
  keep_alive_.remove(one_);
  simulation_.run_until_idle();
  EXPECT_EQ(simulation_.now(), Time{});
}

}  // namespace
}  // namespace srpd::transport::verbs
