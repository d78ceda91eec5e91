// Decides whether a loop that found nothing to do looks again or sleeps. Looking is worth while
// when the gaps between pieces of work are shorter than the budget, because a sleep and a wake-up
// cost about as much; it is a waste when they are longer. So the average gap is kept, and now and
// then a sleeping loop looks all the same: sleeping makes gaps look longer than they are.
#pragma once

#include <algorithm>

#include "runtime/loop.h"

namespace srpd::runtime {

class AdaptivePoll {
 public:
  /// A budget of zero never looks.
  explicit AdaptivePoll(Time budget) : budget_(budget), average_gap_(budget * longest_gap) {}

  void found_work(Time now) {
    if (!idle_) return;
    idle_ = false;
    const Time gap = std::min(now - idle_since_, budget_ * longest_gap);
    average_gap_ += (gap - average_gap_) / weight;
  }

  /// Nothing was found at `now`: true to look again, false to sleep.
  bool keep_looking(Time now) {
    if (!idle_) {
      idle_ = true;
      idle_since_ = now;
      looking_ = average_gap_ <= budget_ || ++sleeps_ % probe_interval == 0;
    }
    looking_ = looking_ && now - idle_since_ < budget_;
    return looking_;
  }

  Time average_gap() const { return average_gap_; }

 private:
  static constexpr int weight = 8;
  static constexpr int longest_gap = 8;  // in budgets: one long pause is forgotten after some work
  static constexpr unsigned probe_interval = 16;

  Time budget_;
  Time average_gap_;
  Time idle_since_{};
  unsigned sleeps_ = 0;
  bool idle_ = false;
  bool looking_ = false;
};

}  // namespace srpd::runtime
