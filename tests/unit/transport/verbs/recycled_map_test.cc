#include "transport/verbs/recycled_map.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "unit/runtime/allocation_counter.h"

namespace srpd::transport::verbs {
namespace {

using Map = RecycledMap<std::uint32_t, std::shared_ptr<int>>;

TEST(RecycledMap, AllocatesNothingOnceItWasAsLarge) {
  const auto value = std::make_shared<int>(1);
  Map map;
  const auto fill_and_empty = [&](std::uint32_t first) {
    for (std::uint32_t i = 0; i < 300; ++i) map.insert(first + i, value);
    EXPECT_EQ(map.size(), 300u);
    for (std::uint32_t i = 0; i < 300; ++i) map.erase(first + i);
    EXPECT_EQ(map.size(), 0u);
  };
  fill_and_empty(0);
  const std::uint64_t before = runtime::test::allocations();
  for (std::uint32_t round = 1; round < 100; ++round) fill_and_empty(round * 7919);
  EXPECT_EQ(runtime::test::allocations() - before, 0u);
  EXPECT_EQ(value.use_count(), 1);
}

TEST(RecycledMap, LetsGoOfValuesAtOnce) {
  const auto value = std::make_shared<int>(1), other = std::make_shared<int>(2);
  Map map;
  for (int round = 0; round < 2; ++round) {
    map.insert(5, value);
    map.insert(6, value);
    EXPECT_EQ(value.use_count(), 3);
    map.insert(5, other);
    EXPECT_EQ(value.use_count(), 2);
    EXPECT_EQ(other.use_count(), 2);
    map.erase(7);
    map.erase(5);
    EXPECT_EQ(other.use_count(), 1);
    map.erase(6);
    EXPECT_EQ(value.use_count(), 1);
  }
  map.insert(5, value);
  map.clear();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace srpd::transport::verbs
