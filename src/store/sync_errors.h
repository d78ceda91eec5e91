// Remembers failed syncs. Linux tells a write-back error once per open file; whoever syncs next
// hears nothing of it although the data are gone. So a failure is kept until a flush has reported
// it, and every flush or FUA write that was under way at the time reports it too.
#pragma once

#include <atomic>
#include <cstdint>

namespace srpd::store {

/// Any thread.
class SyncErrors {
 public:
  /// What a flush or FUA write knew when it began.
  struct Mark {
    std::uint64_t failures = 0;
  };

  Mark begin() const { return Mark{failures_.load(std::memory_order_acquire)}; }

  /// The answer of a sync that began at `mark` and of which the kernel says `result` (>= 0 or
  /// -errno). Only a flush counts as having told it: a FUA write speaks of its own blocks.
  int answer(Mark mark, int result, bool is_flush) {
    if (result < 0) {
      last_error_.store(result, std::memory_order_relaxed);
      unreported_.store(true, std::memory_order_relaxed);
      failures_.fetch_add(1, std::memory_order_release);
    }
    const bool during = failures_.load(std::memory_order_acquire) != mark.failures;
    const bool before = is_flush ? unreported_.exchange(false, std::memory_order_relaxed)
                                 : unreported_.load(std::memory_order_relaxed);
    return during || before ? last_error_.load(std::memory_order_relaxed) : 0;
  }

  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<bool> unreported_{false};
  std::atomic<int> last_error_{0};
};

}  // namespace srpd::store
