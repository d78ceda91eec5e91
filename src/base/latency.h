// Histograms of how long things took: two buckets for each power of two of microseconds, so that a
// quantile is off by a quarter at most. Their size is fixed; adding is two stores.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace srpd {

/// 2^24 us are 16.8 s; what took longer is in the last bucket, which has no upper bound.
inline constexpr std::size_t latency_octaves = 24;
inline constexpr std::size_t latency_buckets = 2 * latency_octaves + 1;

/// What lies above it, in microseconds, is in bucket `index` or a later one.
constexpr std::uint64_t latency_lower_us(std::size_t index) {
  return index < 2 ? index : (2 + (index & 1)) << (index / 2 - 1);
}
/// What is in bucket `index`, but for the last, took this many microseconds at most.
constexpr std::uint64_t latency_upper_us(std::size_t index) { return latency_lower_us(index + 1); }

constexpr std::size_t latency_bucket(std::uint64_t nanoseconds) {
  // Bounds belong to the bucket below them, as Prometheus has it.
  const std::uint64_t us = nanoseconds == 0 ? 0 : (nanoseconds - 1) / 1000;
  if (us < 2) return static_cast<std::size_t>(us);
  const auto octave = static_cast<std::size_t>(std::bit_width(us)) - 1;
  if (octave >= latency_octaves) return latency_buckets - 1;
  return 2 * octave + (us >> (octave - 1) & 1);
}

/// A histogram as a value.
struct Latencies {
  std::array<std::uint64_t, latency_buckets> buckets{};
  std::uint64_t sum_ns = 0;

  void add(std::uint64_t nanoseconds) {
    ++buckets[latency_bucket(nanoseconds)];
    sum_ns += nanoseconds;
  }
  Latencies& operator+=(const Latencies& other);

  std::uint64_t count() const;
  /// 0 where nothing was counted.
  double mean_us() const;
  /// The time that `part` (0 to 1) of what was counted took at most, interpolated; 0 where nothing
  /// was counted.
  double quantile_us(double part) const;
};

/// One that its loop fills and others read meanwhile.
class LatencyHistogram {
 public:
  void add(std::uint64_t nanoseconds) {
    buckets_[latency_bucket(nanoseconds)].add();
    sum_ns_.add(nanoseconds);
  }
  /// Any thread.
  void add_to(Latencies& all) const;

 private:
  std::array<Counter, latency_buckets> buckets_;
  Counter sum_ns_;
};

}  // namespace srpd
