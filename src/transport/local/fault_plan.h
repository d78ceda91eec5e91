// What goes wrong on the simulated network. Everything follows from the seed, so a run can be
// replayed. The default plan is a perfect network without delays.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/random.h"

namespace srpd::transport {

struct FaultPlan {
  std::uint64_t seed = 1;

  /// Every message (a Send with its writes, a Read, a completion) takes a time between these.
  std::chrono::nanoseconds min_delay{0};
  std::chrono::nanoseconds max_delay{0};

  /// One message in this many takes `slow_delay` instead, and all behind it on its way wait; 0:
  /// none.
  std::uint32_t slow_message_one_in = 0;
  /// One connection in this many takes `slow_delay` for each message; 0: none.
  std::uint32_t slow_connection_one_in = 0;
  std::chrono::nanoseconds slow_delay{0};

  /// One message in this many is where the connection breaks, before or after its effect; 0: never.
  std::uint32_t drop_one_in = 0;
  /// One connection attempt in this many fails; 0: none.
  std::uint32_t refuse_one_in = 0;

  /// Sees, and may change, every IU before it is delivered; returns how often it arrives (0: lost).
  /// No network does such things: to prove that a simulation's checks notice.
  std::function<unsigned(std::span<std::byte> iu)> tamper = {};

  /// The peer touched memory that had been withdrawn on a connection that was alive: a bug of the
  /// peer that a real network would turn into silent corruption. The connection ends as well.
  std::function<void(const std::string& text)> on_violation = {};

  std::chrono::nanoseconds ordinary_delay(Random& random) const {
    if (max_delay <= min_delay) return min_delay;
    const auto range = static_cast<std::uint64_t>((max_delay - min_delay).count());
    return min_delay + std::chrono::nanoseconds{static_cast<std::int64_t>(random.below(range + 1))};
  }
};

}  // namespace srpd::transport
