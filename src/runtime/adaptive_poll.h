// Decides whether a loop that found nothing to do looks again or sleeps. Looking is worth while
// when the gaps between pieces of work are shorter than the budget, because a sleep and a wake-up
// cost about as much; it is a waste when they are longer. So the average gap is kept, and now and
// then a sleeping loop looks all the same: sleeping makes gaps look longer than they are.
//
// Where threads are more than cores, looking keeps the core from whoever would produce the work.
// That shows as a loop that is stopped in the middle of looking; it then sleeps for a while, longer
// each time it happens again. Loops of one process never look on all the processors it may use.
#pragma once

#include <algorithm>
#include <atomic>

#include "runtime/loop.h"

namespace srpd::runtime {

/// How many loops may look at the same time. Any thread.
class Lookouts {
 public:
  explicit Lookouts(int count) : free_(count) {}

  bool take() {
    int free = free_.load(std::memory_order_relaxed);
    while (free > 0 && !free_.compare_exchange_weak(free, free - 1, std::memory_order_relaxed)) {
    }
    return free > 0;
  }
  void give() { free_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<int> free_;
};

class AdaptivePoll {
 public:
  /// A budget of zero never looks. `lookouts`: of all loops that share processors; outlives this.
  AdaptivePoll(Time budget, Lookouts& lookouts)
      : budget_(budget), lookouts_(lookouts), average_gap_(budget * longest_gap) {}
  AdaptivePoll(const AdaptivePoll&) = delete;
  AdaptivePoll& operator=(const AdaptivePoll&) = delete;
  ~AdaptivePoll() { stop_looking(); }

  void found_work(Time now) {
    if (!idle_) return;
    if (looking_) note_look(now);
    stop_looking();
    idle_ = false;
    const Time gap = std::min(now - idle_since_, budget_ * longest_gap);
    average_gap_ += (gap - average_gap_) / weight;
  }

  /// Nothing was found at `now`: true to look again, false to sleep.
  bool keep_looking(Time now) {
    if (!idle_) {
      idle_ = true;
      idle_since_ = now;
      last_look_ = now;
      looking_ = now >= no_looking_until_ &&
                 (average_gap_ <= budget_ || ++sleeps_ % probe_interval == 0) && lookouts_.take();
    } else if (looking_) {
      note_look(now);
    }
    if (now - idle_since_ >= budget_) stop_looking();
    return looking_;
  }

  Time average_gap() const { return average_gap_; }

 private:
  static constexpr int weight = 8;
  static constexpr int longest_gap = 8;  // in budgets: one long pause is forgotten after some work
  static constexpr unsigned probe_interval = 16;
  static constexpr Time shortest_penalty = std::chrono::milliseconds{50};
  static constexpr Time longest_penalty = std::chrono::seconds{1};

  void stop_looking() {
    if (looking_) lookouts_.give();
    looking_ = false;
  }

  // Two looks are far apart only when something else ran on this core between them.
  void note_look(Time now) {
    if (now - last_look_ > budget_) {
      // Soon after the last penalty: it was too short.
      const bool again = now - no_looking_until_ < penalty_;
      penalty_ = again ? std::min(penalty_ * 2, longest_penalty) : shortest_penalty;
      no_looking_until_ = now + penalty_;
    }
    last_look_ = now;
  }

  Time budget_;
  Lookouts& lookouts_;
  Time average_gap_;
  Time idle_since_{};
  Time last_look_{};
  Time no_looking_until_{};
  Time penalty_ = shortest_penalty;
  unsigned sleeps_ = 0;
  bool idle_ = false;
  bool looking_ = false;
};

}  // namespace srpd::runtime
