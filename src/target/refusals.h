// The logins that were refused, for whoever asks why a host has no disk: the newest, each once with
// how often it came. Bounded, as anybody who reaches the port can cause one.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "target/target.h"

namespace srpd::target {

class Refusals {
 public:
  static constexpr std::size_t kept = 64;

  /// One more time if the list has this host, initiator, port and cause already. It becomes the
  /// newest either way.
  void add(Refusal refusal);
  /// Oldest first. Any thread.
  std::vector<Refusal> list() const;

 private:
  mutable std::mutex mutex_;
  std::deque<Refusal> refusals_;
};

}  // namespace srpd::target
