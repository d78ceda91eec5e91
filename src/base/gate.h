// A Gate counts what is still going on inside an object, so that tearing it down can wait for the
// last one. Single-threaded: one loop owns it.
#pragma once

#include <cstdint>

#include "base/check.h"

namespace srpd {

class Gate {
 public:
  /// Called once, when the gate is closed and the last holder has left.
  using Drained = void (*)(void* context);

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { CHECK(holders_ == 0); }

  /// False when closed: the caller must not start anything.
  bool enter() {
    if (closed_) return false;
    ++holders_;
    return true;
  }

  void leave() {
    CHECK(holders_ > 0);
    if (--holders_ == 0 && closed_) drained();
  }

  /// Nobody enters any more; `on_drained(context)` runs when the last holder leaves, possibly at
  /// once.
  void close(Drained on_drained, void* context) {
    CHECK(!closed_);
    closed_ = true;
    on_drained_ = on_drained;
    context_ = context;
    if (holders_ == 0) drained();
  }

  bool closed() const { return closed_; }
  std::uint32_t holders() const { return holders_; }

 private:
  void drained() {
    const auto call = on_drained_;
    on_drained_ = nullptr;
    if (call) call(context_);
  }

  std::uint32_t holders_ = 0;
  bool closed_ = false;
  Drained on_drained_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace srpd
