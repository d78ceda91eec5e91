// Latencies, counted in buckets of 1.6 % width: recording costs a few instructions and no memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>

namespace srpd::cli {

class Latency {
 public:
  void record(std::chrono::nanoseconds time) {
    const auto value = static_cast<std::uint64_t>(time.count() < 0 ? 0 : time.count());
    ++buckets_[bucket_of(value)];
    ++count_;
    sum_ += value;
    if (value > max_) max_ = value;
    if (value < min_) min_ = value;
  }

  void merge(const Latency& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    if (other.max_ > max_) max_ = other.max_;
    if (other.min_ < min_) min_ = other.min_;
  }

  std::uint64_t count() const { return count_; }
  double mean_us() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1000;
  }
  double max_us() const { return static_cast<double>(max_) / 1000; }
  double min_us() const { return count_ == 0 ? 0 : static_cast<double>(min_) / 1000; }

  /// The smallest time that `fraction` of the recorded ones do not exceed, to the bucket's width.
  double percentile_us(double fraction) const {
    const auto wanted = static_cast<std::uint64_t>(fraction * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted || (seen == count_ && seen > 0))
        return static_cast<double>(std::min(upper_end(i), max_)) / 1000;
    }
    return 0;
  }

 private:
  static constexpr unsigned sub_bits = 6;
  static constexpr std::size_t sub_count = std::size_t{1} << sub_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < sub_count) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
    return ((shift + 1) << sub_bits) + ((value >> shift) & (sub_count - 1));
  }
  static std::uint64_t upper_end(std::size_t bucket) {
    if (bucket < sub_count) return bucket;
    const std::size_t shift = (bucket >> sub_bits) - 1;
    return ((sub_count + (bucket & (sub_count - 1)) + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (65 - sub_bits) * sub_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t min_ = UINT64_MAX;
};

}  // namespace srpd::cli
