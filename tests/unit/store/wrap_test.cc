// The test doubles do what their plans say.
#include <gtest/gtest.h>

#include "store/registry.h"
#include "store/wrap_delay.h"
#include "store/wrap_error.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

using Kind = Operation::Kind;

class WrapTest : public ::testing::Test {
 protected:
  std::unique_ptr<Backstore> ramdisk() {
    return std::move(
        *open({.type = "ramdisk", .name = "disk0", .path = {}, .size = 1u << 20}, bench->loop()));
  }
  std::unique_ptr<LoopBench> bench = make_loop_bench("simulated");
};

TEST_F(WrapTest, FaultsHitTheirRangeAndKindOnly) {
  WrapError store(ramdisk());
  Driver driver(*bench, store);
  store.inject({.kinds = Fault::bit(Kind::read), .first = 8192, .length = 512, .result = -EIO});
  EXPECT_EQ(store.map(0, 512), nullptr);
  EXPECT_EQ(driver.write(8192, pattern(512, 1)), 0);
  EXPECT_EQ(driver.read(0, 8192).size(), 8192u);
  EXPECT_EQ(driver.read(8704, 512).size(), 512u);
  EXPECT_TRUE(driver.read(4096, 8192).empty());
  EXPECT_EQ(driver.last_result(), -EIO);
  EXPECT_EQ(driver.last_error_offset(), 8192u);
  EXPECT_EQ(store.injected(), 1u);
  store.clear();
  EXPECT_EQ(driver.read(4096, 8192).size(), 8192u);
}

TEST_F(WrapTest, FaultsCanBeCountedAndComeAfterTheWork) {
  WrapError store(ramdisk());
  Driver driver(*bench, store);
  store.inject(
      {.kinds = Fault::bit(Kind::write), .result = -ENOSPC, .times = 1, .after_the_work = true});
  const auto data = pattern(512, 3);
  EXPECT_EQ(driver.write(0, data), -ENOSPC);
  EXPECT_TRUE(driver.read(0, 512) == data);
  EXPECT_EQ(driver.write(0, data), 0);
  store.inject({.kinds = Fault::bit(Kind::flush)});
  EXPECT_EQ(driver.flush(), -EIO);
}

TEST_F(WrapTest, DelaysTakeTheirTime) {
  WrapDelay store(ramdisk(), [](const Operation& operation) -> runtime::Time {
    return operation.kind == Kind::read ? runtime::Time(250ms) : runtime::Time(0);
  });
  Driver driver(*bench, store);
  const auto start = bench->loop().now();
  EXPECT_EQ(driver.write(0, pattern(512, 1)), 0);
  EXPECT_EQ(bench->loop().now(), start);
  EXPECT_EQ(driver.read(0, 512).size(), 512u);
  EXPECT_EQ(bench->loop().now(), start + 250ms);
}

TEST_F(WrapTest, WhatHangsGoesOnWhenReleased) {
  WrapDelay store(ramdisk(), [](const Operation&) { return WrapDelay::hang; });
  Operation operation;
  operation.kind = Kind::flush;
  store.submit(bench->loop(), operation);
  bench->run_until([] { return false; }, 60s);
  EXPECT_FALSE(operation.done());
  EXPECT_EQ(store.hanging(), 1u);
  store.release(bench->loop());
  EXPECT_EQ(store.hanging(), 0u);
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.result(), 0);
}

}  // namespace
}  // namespace srpd::store::test
