// The logins that were refused, for whoever asks why a host has no disk: the newest, each once with
// how often it came. Bounded, as anybody who reaches the port can cause one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
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
  /// All there were, by the name of the reason. Any thread.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  mutable std::mutex mutex_;
  std::deque<Refusal> refusals_;
  std::map<std::string, std::uint64_t> counts_;  ///< as many as SRP has reasons
};

}  // namespace srpd::target
