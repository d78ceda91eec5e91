// Keeps lines that strangers can provoke from filling the log.
#pragma once

#include <cstdint>

#include "runtime/loop.h"

namespace srpd::transport::iwarp {

/// A burst of lines, then as many per interval; the rest is counted.
class LogLimit {
 public:
  explicit LogLimit(unsigned burst) : burst_(burst) {}

  /// True when a line may be written now; `suppressed()` says how many were not before it.
  bool allow(runtime::Time now) {
    if (now - start_ >= interval) {
      start_ = now;
      written_ = 0;
    }
    if (written_ >= burst_) {
      ++pending_;
      return false;
    }
    ++written_;
    suppressed_ = pending_;
    pending_ = 0;
    return true;
  }
  std::uint64_t suppressed() const { return suppressed_; }

 private:
  static constexpr runtime::Time interval = std::chrono::seconds(10);
  const unsigned burst_;
  runtime::Time start_ = -interval;
  unsigned written_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace srpd::transport::iwarp
