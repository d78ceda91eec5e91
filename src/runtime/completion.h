// The record of one asynchronous operation, embedded in whoever starts it: nothing is allocated per
// operation. It is used in one of two ways:
//   - with a function: complete() calls it;
//   - as an awaiter: `op.start(); int rc = co_await op;` in a coroutine.
// A start function says whether it may complete the operation before it returns ("inline");
// awaiting handles both. Results: >= 0 bytes or 0, < 0 -errno.
#pragma once

#include <climits>
#include <coroutine>
#include <utility>

#include "base/check.h"

namespace srpd::runtime {

class Completion {
 public:
  using Function = void (*)(Completion& self);

  /// To be awaited.
  Completion() = default;
  /// `function` runs on the loop on which the operation was started.
  explicit Completion(Function function) : function_(function) {}
  // Whoever started the operation holds its address. And g++ 12.2 would copy what a call, `*` or
  // `[]` designates before awaiting it, and wait for the copy for ever; so that does not compile:
  // bind a reference first and await that.
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  /// Exactly once per start, on the home loop of the operation. May destroy *this.
  void complete(int result) {
    DCHECK(result_ == pending_);
    result_ = result;
    if (function_ != nullptr) {
      function_(*this);
    } else if (handle_) {
      std::exchange(handle_, nullptr).resume();
    }
  }

  bool done() const { return result_ != pending_; }
  int result() const { return result_; }

  /// Makes it ready for another start.
  void reset() { result_ = pending_; }
  void reset(Function function) {
    result_ = pending_;
    function_ = function;
  }

  bool await_ready() const noexcept { return done(); }
  void await_suspend(std::coroutine_handle<> handle) noexcept { handle_ = handle; }
  int await_resume() const noexcept { return result_; }

 private:
  static constexpr int pending_ = INT_MIN;

  Function function_ = nullptr;
  std::coroutine_handle<> handle_ = nullptr;
  int result_ = pending_;
};

}  // namespace srpd::runtime
