// Loops on threads of their own, and the way in for threads that have no loop.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "runtime/loop.h"

namespace srpd::runtime {

struct LoopThreadOptions {
  std::string name = "loop";  ///< as ps and top show it; the first 15 characters
  std::optional<int> cpu;     ///< to stay on
  LoopOptions loop;
};

/// A thread that runs a loop made by make_loop(). The loop lives as long as this object, so that
/// what belongs to it can be destroyed after stop(). Loops that post to each other are all stopped
/// before the first is destroyed.
class LoopThread {
 public:
  /// The loop runs when this returns.
  static Expected<std::unique_ptr<LoopThread>> start(const LoopThreadOptions& options);
  /// Stops it.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  Loop& loop() { return *loop_; }
  /// Stops the loop and waits for the thread; not from the loop itself. A second call does nothing.
  void stop();

 private:
  LoopThread() = default;

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

namespace detail {

/// Waits for one event on another thread; may be destroyed as soon as wait() returned.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace detail

/// Runs `work` on the loop and returns its value; waits. For control threads: never from a
/// loop other than `loop`, and only while that one runs.
template <class Work>
std::invoke_result_t<Work&> run_on(Loop& loop, Work&& work) {
  using Result = std::invoke_result_t<Work&>;
  if (loop.is_current()) return work();
  constexpr bool has_value = !std::is_void_v<Result>;
  using Held = std::conditional_t<has_value, std::optional<Result>, bool>;

  struct Call : Mail {
    explicit Call(Work& borrowed) : Mail(&Call::deliver), work(borrowed) {}
    static void deliver(Mail& self) {
      auto& call = static_cast<Call&>(self);
      if constexpr (has_value) {
        call.result.emplace(call.work());
      } else {
        call.work();
      }
      call.done.set();  // the caller may be gone from here on
    }
    Work& work;
    Held result{};
    detail::Signal done;
  };

  Call call(work);
  loop.post(call);
  call.done.wait();
  if constexpr (has_value) return std::move(*call.result);
}

/// Runs `work` on the loop, in its turn; does not wait. From any thread.
template <class Work>
void run_later(Loop& loop, Work work) {
  struct Call : Mail {
    explicit Call(Work given) : Mail(&Call::deliver), work(std::move(given)) {}
    static void deliver(Mail& self) {
      const std::unique_ptr<Call> call(static_cast<Call*>(&self));
      call->work();
    }
    Work work;
  };
  loop.post(*new Call(std::move(work)));  // belongs to its delivery
}

/// Runs `start(done)` on the loop and returns what it returns. If that is not an error (false), not
/// before done() was called, on whatever thread. For control threads, never from a loop.
template <class Start>
auto run_on_until_done(Loop& loop, Start&& start) {
  detail::Signal finished;
  auto started = run_on(loop, [&] { return start([&finished] { finished.set(); }); });
  if (started) finished.wait();
  return started;
}

}  // namespace srpd::runtime
