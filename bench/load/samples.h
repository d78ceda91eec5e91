// What the load programs of bench/compare measure and print: one JSON line.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

/// Latencies of one run. Keeps every sample: a run is a few seconds.
class Samples {
 public:
  Samples() { latencies_us_.reserve(1u << 20); }

  void add(Clock::duration latency) {
    latencies_us_.push_back(std::chrono::duration<float, std::micro>(latency).count());
  }

  std::size_t count() const { return latencies_us_.size(); }

  void print(std::uint64_t bytes, double seconds) {
    std::sort(latencies_us_.begin(), latencies_us_.end());
    std::printf(
        "{\"ios\": %zu, \"seconds\": %.6f, \"iops\": %.1f, \"bytes_per_s\": %.0f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
        count(), seconds, static_cast<double>(count()) / seconds,
        static_cast<double>(bytes) / seconds, quantile(0.50), quantile(0.99));
  }

 private:
  double quantile(double q) const {
    if (latencies_us_.empty()) return 0;
    return latencies_us_[static_cast<std::size_t>(q * static_cast<double>(count() - 1))];
  }

  std::vector<float> latencies_us_;
};

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace bench
