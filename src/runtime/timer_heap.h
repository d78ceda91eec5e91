// The timers of one loop: a binary heap over the embedded nodes, ordered by deadline and then by
// the order of starting, so that a simulation is the same on every run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/loop.h"

namespace srpd::runtime {

class TimerHeap {
 public:
  TimerHeap() { heap_.reserve(256); }

  /// Arms `timer`, or moves it when it is armed.
  void start(Timer& timer, Time deadline);
  void cancel(Timer& timer);

  /// Runs the timers whose deadline has come. What they start waits for the next call, so that a
  /// timer that restarts itself at once cannot keep the loop here. True when any ran.
  bool expire(Time now);

  /// The earliest deadline.
  std::optional<Time> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front()->deadline_;
  }
  bool empty() const { return heap_.empty(); }

 private:
  static bool before(const Timer& a, const Timer& b) {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.sequence_ < b.sequence_;
  }
  void put(Timer& timer, std::size_t index);
  void sift_up(Timer& timer, std::size_t index);
  void sift_down(Timer& timer, std::size_t index);
  void remove(Timer& timer);

  std::vector<Timer*> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace srpd::runtime
