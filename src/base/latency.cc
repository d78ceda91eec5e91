#include "base/latency.h"

#include <numeric>

namespace srpd {

Latencies& Latencies::operator+=(const Latencies& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  sum_ns += other.sum_ns;
  return *this;
}

std::uint64_t Latencies::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

double Latencies::mean_us() const {
  const std::uint64_t all = count();
  return all == 0 ? 0 : static_cast<double>(sum_ns) / static_cast<double>(all) / 1000;
}

double Latencies::quantile_us(double part) const {
  const double wanted = part * static_cast<double>(count());
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here == 0 || below + here < wanted) {
      below += here;
      continue;
    }
    const auto lower = static_cast<double>(latency_lower_us(i));
    if (i + 1 == buckets.size()) return lower;
    const auto upper = static_cast<double>(latency_upper_us(i));
    return lower + (upper - lower) * (wanted - below) / here;
  }
  return 0;
}

void LatencyHistogram::add_to(Latencies& all) const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) all.buckets[i] += buckets_[i].get();
  all.sum_ns += sum_ns_.get();
}

}  // namespace srpd
