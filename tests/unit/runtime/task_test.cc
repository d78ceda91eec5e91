// Task, and that the subset of coroutine code we write works with this compiler: every form that
// docs/coroutines.md allows is used here once and its effect checked.
#include "runtime/task.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <memory>
#include <utility>
#include <vector>

#include "runtime/completion.h"
#include "runtime/simulated_loop.h"

namespace srpd::runtime {
namespace {

class TaskTest : public ::testing::Test {
 protected:
  ~TaskTest() override { EXPECT_EQ(simulation_.frames().live(), 0u) << "a frame leaked"; }
  std::size_t frames() { return simulation_.frames().live(); }

 private:
  Simulation simulation_{1};
  SimulatedLoop loop_{simulation_};
};

/// Operations that the test completes when it likes; or at once.
struct Device {
  std::vector<Completion*> waiting;
  bool immediate = false;
  int result = 0;

  void start(Completion& operation) {
    if (immediate) {
      operation.complete(result);
    } else {
      waiting.push_back(&operation);
    }
  }
  void finish(int rc) {
    Completion* const operation = waiting.front();
    waiting.erase(waiting.begin());
    operation->complete(rc);
  }
};

struct Outcome {
  int value = -1;
  int calls = 0;
  static void store(void* context, int value) {
    auto& self = *static_cast<Outcome*>(context);
    self.value = value;
    ++self.calls;
  }
};

Task<int> wait_once(Device& device) {
  Completion operation;
  device.start(operation);
  const int rc = co_await operation;
  co_return rc;
}

Task<int> without_waiting(int value) { co_return value * 2; }

Task<int> nested(Device& device, int depth) {
  if (depth == 0) {
    const int last = co_await wait_once(device);
    co_return last;
  }
  const int inner = co_await nested(device, depth - 1);
  co_return inner + 1;
}

TEST_F(TaskTest, RunsEagerlyAndDoesNotSuspendWithoutWaiting) {
  auto task = without_waiting(21);
  EXPECT_TRUE(task.await_ready());
  EXPECT_EQ(task.await_resume(), 42);
}

TEST_F(TaskTest, DetachedTaskCallsBackAtOnceOrLater) {
  Device device;
  Outcome now;
  without_waiting(1).detach(&Outcome::store, &now);
  EXPECT_EQ(now.value, 2);
  EXPECT_EQ(frames(), 0u);

  Outcome later;
  wait_once(device).detach(&Outcome::store, &later);
  EXPECT_EQ(later.calls, 0);
  EXPECT_EQ(frames(), 1u);
  device.finish(7);
  EXPECT_EQ(later.value, 7);
  EXPECT_EQ(later.calls, 1);
  EXPECT_EQ(frames(), 0u);
}

TEST_F(TaskTest, NestedTasksResumeTheirAwaiters) {
  Device device;
  Outcome outcome;
  nested(device, 50).detach(&Outcome::store, &outcome);
  EXPECT_EQ(frames(), 52u);
  device.finish(100);
  EXPECT_EQ(outcome.value, 150);
  EXPECT_EQ(frames(), 0u);
}

TEST_F(TaskTest, TheCallbackMayStartTheNextTask) {
  struct Chain {
    Device device;
    int left = 1000;
    static void next(void* context, int) {
      auto& self = *static_cast<Chain*>(context);
      if (--self.left > 0) wait_once(self.device).detach(&Chain::next, &self);
    }
  };
  Chain chain;
  Chain::next(&chain, 0);
  while (!chain.device.waiting.empty()) chain.device.finish(0);
  EXPECT_EQ(chain.left, 0);
}

Task<int> many_immediate(Device& device, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int rc = co_await wait_once(device);
    sum += rc;
    const int doubled = co_await without_waiting(rc);
    sum += doubled;
  }
  co_return sum;
}

// On a stack that a recursion per completion would overflow.
TEST_F(TaskTest, SynchronousCompletionsDoNotGrowTheStack) {
  constexpr std::size_t stack_bytes = 256 * 1024;
  struct Run {
    Loop* loop = Loop::current();
    int value = 0;
    static void* body(void* context) {
      auto& self = *static_cast<Run*>(context);
      Simulation simulation(1);
      SimulatedLoop loop(simulation);
      Device device;
      device.immediate = true;
      device.result = 1;
      Outcome outcome;
      many_immediate(device, 200'000).detach(&Outcome::store, &outcome);
      self.value = outcome.value;
      return nullptr;
    }
  };
  Run run;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  pthread_t thread{};
  ASSERT_EQ(::pthread_create(&thread, &attributes, &Run::body, &run), 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
  EXPECT_EQ(run.value, 600'000);
}

// Completing one operation resumes a task that starts the next: also no recursion.
TEST_F(TaskTest, AsynchronousCompletionsDoNotGrowTheStack) {
  struct Local {
    static Task<int> loop(Device& device, int count, std::uintptr_t& lowest) {
      for (int i = 0; i < count; ++i) {
        const int rc = co_await wait_once(device);
        lowest = std::min(lowest, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
        if (rc != i) co_return -1;
      }
      co_return count;
    }
  };
  Device device;
  Outcome outcome;
  std::uintptr_t lowest = UINTPTR_MAX;
  Local::loop(device, 10'000, lowest).detach(&Outcome::store, &outcome);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  for (int i = 0; i < 10'000; ++i) device.finish(i);
  EXPECT_EQ(outcome.value, 10'000);
  EXPECT_LT(here - lowest, 16384u);
}

struct Heap {
  std::unique_ptr<Completion> operation = std::make_unique<Completion>();
};

Task<int> destroys_its_operation(Heap& heap, Device& device) {
  Completion& operation = *heap.operation;
  device.start(operation);
  const int rc = co_await operation;
  heap.operation.reset();
  co_return rc;
}

TEST_F(TaskTest, CompletionMayBeDestroyedByWhatItResumes) {
  Heap heap;
  Device device;
  Outcome outcome;
  destroys_its_operation(heap, device).detach(&Outcome::store, &outcome);
  device.finish(3);
  EXPECT_EQ(outcome.value, 3);
  EXPECT_EQ(heap.operation, nullptr);
}

TEST_F(TaskTest, UnfinishedTaskMustNotBeDestroyed) {
  Device device;
  EXPECT_DEATH({ const auto task = wait_once(device); }, "CHECK failed: .*finished");
}

// --- The subset ---

struct Counted {
  explicit Counted(int& alive_) : alive(alive_) { ++alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive; }
  int& alive;
};

struct Value {
  int a = 0;
  int b = 0;
};

Task<Value> value_task(Device& device, Value in) {
  const int rc = co_await wait_once(device);
  co_return Value{.a = in.a + rc, .b = in.b};
}

// The whole initialiser, the whole right side, a statement of its own, after co_return; in
// branches, loops and a switch; early returns; locals with destructors alive across waits.
Task<int> every_form(Device& device, int& alive, int kind) {
  const Counted outer(alive);
  int rc = co_await wait_once(device);
  if (rc < 0) co_return rc;
  co_await wait_once(device);
  for (int i = 0; i < 2; ++i) {
    const Counted inner(alive);
    rc = co_await wait_once(device);
    if (rc == 99) co_return 1000 + i;
  }
  switch (kind) {
    case 0: {
      const Value in{.a = 1, .b = 2};
      const Value out = co_await value_task(device, in);
      co_return out.a * 10 + out.b;
    }
    case 1:
      co_return co_await wait_once(device);
    default:
      break;
  }
  while (rc > 0) rc = co_await wait_once(device);
  co_return 5;
}

int run_every_form(bool immediate, std::vector<int> results, int kind, int& alive) {
  Device device;
  Outcome outcome;
  device.immediate = immediate;
  device.result = results.front();
  every_form(device, alive, kind).detach(&Outcome::store, &outcome);
  if (!immediate) {
    for (const int rc : results) {
      EXPECT_EQ(outcome.calls, 0);
      device.finish(rc);
    }
  }
  EXPECT_EQ(outcome.calls, 1);
  return outcome.value;
}

TEST_F(TaskTest, EveryAllowedFormWorks) {
  int alive = 0;
  EXPECT_EQ(run_every_form(false, {-5}, 0, alive), -5);
  EXPECT_EQ(run_every_form(false, {0, 0, 0, 0, 4}, 0, alive), 52);
  EXPECT_EQ(run_every_form(false, {0, 0, 0, 0, 4}, 1, alive), 4);
  EXPECT_EQ(run_every_form(false, {0, 0, 1, 1, 1, 1, 0}, 2, alive), 5);
  EXPECT_EQ(run_every_form(false, {0, 0, 1, 99}, 2, alive), 1001);
  EXPECT_EQ(run_every_form(true, {3}, 0, alive), 42);
  EXPECT_EQ(run_every_form(true, {3}, 1, alive), 3);
  EXPECT_EQ(run_every_form(true, {0}, 2, alive), 5);
  EXPECT_EQ(run_every_form(true, {99}, 2, alive), 1000);
  EXPECT_EQ(alive, 0) << "locals are destroyed exactly once";
}

// A body without a local of its own at the top: `if (co_await f() == 1)` never runs there with
// g++ 12.2; with a named variable in the branch it does.
Task<int> without_top_level_local(Device& device) {
  {
    const int rc = co_await wait_once(device);
    if (rc == 1) co_return 10;
  }
  co_return 20;
}

TEST_F(TaskTest, BodyWithoutTopLevelLocalRuns) {
  for (const auto& [rc, expected] : {std::pair{1, 10}, {2, 20}}) {
    Device device;
    Outcome outcome;
    without_top_level_local(device).detach(&Outcome::store, &outcome);
    device.finish(rc);
    EXPECT_EQ(outcome.value, expected);
  }
}

// Members of references and what pointers point to: awaited where they are, not copied.
struct Slot {
  Completion operation;
  Completion* pointer = &operation;
};

Task<int> awaits_member(Slot& slot) {
  const int rc = co_await slot.operation;
  co_return rc;
}

Task<int> awaits_pointee(Slot& slot) {
  const int rc = co_await *slot.pointer;
  co_return rc;
}

TEST_F(TaskTest, OperationsElsewhereAreNotCopied) {
  for (const auto start : {&awaits_member, &awaits_pointee}) {
    Slot slot;
    Outcome outcome;
    start(slot).detach(&Outcome::store, &outcome);
    slot.operation.complete(4);
    EXPECT_EQ(outcome.value, 4);
  }
}

struct Server {
  Device device;
  int served = 0;
  Task<int> serve(int times) {
    for (int i = 0; i < times; ++i) {
      const int rc = co_await wait_once(device);
      if (rc < 0) co_return rc;
      ++served;
    }
    co_return served;
  }
};

TEST_F(TaskTest, MemberFunctionsWork) {
  Server server;
  Outcome outcome;
  server.serve(3).detach(&Outcome::store, &outcome);
  for (int i = 0; i < 3; ++i) server.device.finish(0);
  EXPECT_EQ(outcome.value, 3);
}

}  // namespace
}  // namespace srpd::runtime
