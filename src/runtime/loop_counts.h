// What a loop did since it was made: what /proc/interrupts and /proc/softirqs tell of a kernel.
// The loop counts; any thread reads.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/counter.h"

namespace srpd::runtime {

struct LoopCounts {
  Counter looks_with_work;     ///< turns without sleep that found some
  Counter looks_without_work;  ///< and that found none
  Counter sleeps;              ///< each ended by an event, a timer, or somebody's post
  Counter events;              ///< readiness of descriptors, told to who watches them
  Counter file_operations;     ///< completed later, not inline
  Counter mails;               ///< delivered: posts, mostly of other loops
  /// Sleeps ended by a post, a system call each. Counted by those who post.
  std::atomic<std::uint64_t> wakes{0};
};

}  // namespace srpd::runtime
