#include "base/latency.h"

#include <gtest/gtest.h>

namespace srpd {
namespace {

TEST(Latency, BucketsHoldWhatTheirBoundsSay) {
  for (std::size_t i = 0; i + 1 < latency_buckets; ++i) {
    const std::uint64_t upper = latency_upper_us(i);
    EXPECT_EQ(latency_bucket(upper * 1000), i) << upper;
    EXPECT_EQ(latency_bucket(upper * 1000 + 1), i + 1) << upper;
    EXPECT_EQ(latency_lower_us(i + 1), upper);
  }
  EXPECT_EQ(latency_bucket(0), 0u);
  EXPECT_EQ(latency_bucket(UINT64_MAX), latency_buckets - 1);
  EXPECT_EQ(latency_upper_us(latency_buckets - 2), std::uint64_t{1} << latency_octaves);
}

TEST(Latency, PowersOfTwoAreBounds) {
  EXPECT_EQ(latency_upper_us(0), 1u);
  for (std::size_t octave = 1; octave <= latency_octaves; ++octave)
    EXPECT_EQ(latency_upper_us(2 * octave - 1), std::uint64_t{1} << octave);
}

TEST(Latency, QuantilesAreNearTheTruth) {
  Latencies all;
  for (std::uint64_t us = 1; us <= 1000; ++us) all.add(us * 1000);
  EXPECT_EQ(all.count(), 1000u);
  EXPECT_DOUBLE_EQ(all.mean_us(), 500.5);
  EXPECT_NEAR(all.quantile_us(0.5), 500, 5);
  EXPECT_NEAR(all.quantile_us(0.99), 990, 25);
  EXPECT_NEAR(all.quantile_us(1), 1024, 1e-6);
}

TEST(Latency, NothingIsZero) {
  const Latencies none;
  EXPECT_EQ(none.mean_us(), 0);
  EXPECT_EQ(none.quantile_us(0.99), 0);
}

TEST(Latency, WhatHasNoBoundIsItsLeast) {
  Latencies all;
  all.add(std::uint64_t{3600} * 1'000'000'000);
  EXPECT_EQ(all.quantile_us(0.5), static_cast<double>(std::uint64_t{1} << latency_octaves));
}

TEST(Latency, HistogramsAddUp) {
  LatencyHistogram histogram;
  histogram.add(1500);
  histogram.add(70'000);
  Latencies all;
  all.add(1500);
  histogram.add_to(all);
  EXPECT_EQ(all.count(), 3u);
  EXPECT_EQ(all.buckets[latency_bucket(1500)], 2u);
  EXPECT_EQ(all.sum_ns, 73'000u);
  Latencies twice = all;
  twice += all;
  EXPECT_EQ(twice.count(), 6u);
}

}  // namespace
}  // namespace srpd
