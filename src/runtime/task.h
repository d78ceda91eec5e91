// Task<T>: the coroutine type for commands that wait. Eager (runs until the first real wait), frame
// from the loop's FramePool, result handed to one awaiter or to a callback. g++ 12.2 miscompiles
// ordinary coroutine code; docs/coroutines.md lists the subset we write,
// tests/tidy/check_coroutines.py and the static_asserts below hold us to it.
#pragma once

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "runtime/frame_pool.h"
#include "runtime/loop.h"

namespace srpd::runtime {

/// Parameters of a coroutine: trivially copyable values, or non-const lvalue references that
/// outlive the call.
template <class P>
concept CoroutineParameter =
    (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) ||
    (!std::is_reference_v<P> && std::is_trivially_copyable_v<P> &&
     std::is_trivially_destructible_v<P>);

template <class T>
class [[nodiscard]] Task {
  static_assert(std::is_trivially_copyable_v<T>, "results are values");

 public:
  struct promise_type {
    T value{};
    std::coroutine_handle<> awaiter;
    void (*callback)(void* context, T value) = nullptr;
    void* context = nullptr;
    bool finished = false;

    static void* operator new(std::size_t size) { return Loop::current()->frames().allocate(size); }
    static void operator delete(void* frame, std::size_t size) {
      Loop::current()->frames().free(frame, size);
    }

    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        promise_type& promise = self.promise();
        promise.finished = true;
        if (promise.callback != nullptr) {
          const auto call = promise.callback;
          void* const context_copy = promise.context;
          const T result = promise.value;
          self.destroy();
          call(context_copy, result);
          return std::noop_coroutine();
        }
        return promise.awaiter ? promise.awaiter : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_value(T result) { value = result; }
    [[noreturn]] void unhandled_exception() {
      check_failed("exception in a coroutine", __FILE__, __LINE__);
    }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    // Only a finished task is destroyed: cancel by flag, never by destruction.
    if (handle_) {
      CHECK(handle_.promise().finished);
      handle_.destroy();
    }
  }

  bool await_ready() const noexcept { return handle_.promise().finished; }
  void await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().awaiter = awaiter;
  }
  T await_resume() const noexcept { return handle_.promise().value; }

  /// Without an awaiter: `done(context, value)` runs when it ends, at once when it already has.
  /// Consumes the task.
  void detach(void (*done)(void* context, T value), void* context) && {
    const auto handle = std::exchange(handle_, nullptr);
    promise_type& promise = handle.promise();
    if (promise.finished) {
      const T value = promise.value;
      handle.destroy();
      done(context, value);
    } else {
      promise.callback = done;
      promise.context = context;
    }
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace srpd::runtime

template <class T, class... Args>
struct std::coroutine_traits<srpd::runtime::Task<T>, Args...> {
  static_assert(
      (srpd::runtime::CoroutineParameter<Args> && ...),
      "coroutine parameters are trivially copyable values or non-const lvalue references");
  using promise_type = typename srpd::runtime::Task<T>::promise_type;
};
