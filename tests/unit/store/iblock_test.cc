// Block devices: what they say about themselves, who else holds them, and what becomes of them
// while they are served. On loop devices.
#include "store/iblock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "store/file_store.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

class IblockTest : public ::testing::Test {
 protected:
  /// Skips the test where there are no loop devices.
  void attach(const LoopDevice::Options& options) {
    std::string why;
    device = LoopDevice::make(options, why);
    if (device == nullptr) GTEST_SKIP() << why;
  }
  Specification specification() const { return specification(device->path()); }
  static Specification specification(const std::string& path) {
    Specification made;
    made.type = "iblock";
    made.name = "block0";
    made.path = path;
    return made;
  }
  std::string error_of(const Specification& what) {
    const auto opened = open_iblock(what, bench->loop());
    return opened ? "" : opened.error().text();
  }
  std::unique_ptr<Backstore> opened(const Specification& what) {
    auto store = open_iblock(what, bench->loop());
    EXPECT_TRUE(store) << store.error().text();
    return store ? std::move(*store) : nullptr;
  }

  std::unique_ptr<LoopDevice> device;
  TemporaryDirectory directory;
  std::unique_ptr<LoopBench> bench = make_loop_bench("simulated");
};

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' lacks '" << part << "'";
}

TEST_F(IblockTest, WhatIsNoBlockDeviceIsExplained) {
  EXPECT_TRUE(contains(error_of(specification("/dev/no-such-disk")), "there is no such device"));
  const std::string file = directory.file("disk.img");
  std::ofstream(file).close();
  EXPECT_TRUE(contains(error_of(specification(file)), "it is not a block device"));
  EXPECT_TRUE(contains(error_of(specification(file)), "--file " + file));
  EXPECT_TRUE(contains(error_of(specification("/dev/null")), "it is not a block device"));
  EXPECT_TRUE(contains(error_of(specification("")), "no device is named"));
}

TEST_F(IblockTest, TakesLimitsFromTheDevice) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  const Properties& properties = store->properties();
  const auto number = [&](const char* attribute) { return std::stoull(device->queue(attribute)); };
  EXPECT_EQ(properties.block_size, number("logical_block_size"));
  EXPECT_EQ(properties.physical_block_size, number("physical_block_size"));
  EXPECT_EQ(properties.rotational, number("rotational") != 0);
  EXPECT_EQ(properties.write_cache, device->queue("write_cache") == "write back");
  EXPECT_EQ(properties.can_unmap, number("discard_max_bytes") != 0);
  EXPECT_EQ(properties.max_unmap_bytes, number("discard_max_bytes"));
  EXPECT_EQ(properties.unmap_granularity, number("discard_granularity"));
  EXPECT_EQ(properties.unmap_zeroes, number("write_zeroes_max_bytes") != 0);
  EXPECT_EQ(properties.queue_depth, number("nr_requests"));
  EXPECT_EQ(properties.max_transfer_bytes,
            std::min<std::uint64_t>(number("max_hw_sectors_kb") * 1024, UINT32_MAX) / 4096 * 4096);
  EXPECT_TRUE(contains(store->description(), device->path() + " 16 MiB (block device)"));
}

TEST_F(IblockTest, BlocksAreAsLongAsTheDevices) {
  ASSERT_NO_FATAL_FAILURE(attach({.block_size = 4096}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->properties().block_size, 4096u);
  Driver driver(*bench, *store);
  const auto data = pattern(12288, 1);
  ASSERT_EQ(driver.write(4096, data), 0);
  EXPECT_TRUE(driver.read(4096, 12288) == data);
}

TEST_F(IblockTest, WhoHoldsItIsToldAndReleased) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  auto first = opened(specification());
  EXPECT_TRUE(contains(error_of(specification()), "somebody else holds it exclusively"));
  Specification reader = specification();
  reader.read_only = true;
  EXPECT_TRUE(contains(error_of(reader), "somebody else holds it exclusively"));
  reader.exclusive = false;
  EXPECT_EQ(error_of(reader), "");
  first.reset();
  EXPECT_EQ(error_of(specification()), "");
}

TEST_F(IblockTest, AWriteProtectedDeviceIsServedReadOnly) {
  ASSERT_NO_FATAL_FAILURE(attach({.read_only = true}));
  if (IsSkipped()) return;
  EXPECT_TRUE(contains(error_of(specification()), "the device is write-protected"));
  Specification reader = specification();
  reader.read_only = true;
  const auto store = opened(reader);
  ASSERT_NE(store, nullptr);
  EXPECT_FALSE(store->properties().can_unmap);
  Driver driver(*bench, *store);
  EXPECT_EQ(driver.write(0, pattern(4096, 1)), -EROFS);
  EXPECT_EQ(driver.read(0, 4096), std::vector<char>(4096));
}

// What the page cache kept of another opener's writes must not be what hosts read.
TEST_F(IblockTest, IsReadAndWrittenPastThePageCache) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  const int other = ::open(device->path().c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<char> cached(4096);
  ASSERT_EQ(::pread(other, cached.data(), cached.size(), 0), 4096);
  Driver driver(*bench, *store);
  const auto data = pattern(4096, 1);
  ASSERT_EQ(driver.write(0, data, true), 0);
  ASSERT_EQ(::pread(other, cached.data(), cached.size(), 0), 4096);
  ::close(other);
  EXPECT_TRUE(cached == data);
}

// On every kind of loop: the one with a ring has no operation for it.
TEST_F(IblockTest, DiscardGivesSpaceBack) {
  for (const char* kind : {"simulated", "epoll", "io_uring"}) {
    ASSERT_NO_FATAL_FAILURE(attach({.size = 8u << 20}));
    if (IsSkipped()) return;
    const auto other = make_loop_bench(kind);
    if (other == nullptr) GTEST_SKIP() << kind << " is refused on this machine";
    auto store = open_iblock(specification(), other->loop());
    ASSERT_TRUE(store) << store.error().text();
    if (!(*store)->properties().can_unmap)
      GTEST_SKIP() << "the file system under " << directory.path() << " has no holes";
    Driver driver(*other, **store);
    ASSERT_EQ(driver.write(0, pattern(8u << 20, 1)), 0);
    ASSERT_EQ(driver.flush(), 0);
    EXPECT_GE(device->allocated(), 8u << 20) << kind;
    ASSERT_EQ(driver.command(Operation::Kind::unmap, 1u << 20, 7u << 20), 0);
    EXPECT_LE(device->allocated(), 2u << 20) << kind;
    store->reset();
    device.reset();
  }
}

struct Sizes final : Observer {
  void on_size_changed(std::uint64_t bytes) override { seen.push_back(bytes); }
  std::vector<std::uint64_t> seen;
};

TEST_F(IblockTest, GrowthIsNoticedAndTold) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  Sizes sizes;
  store->set_observer(&sizes);
  device->resize(24u << 20);
  EXPECT_TRUE(
      bench->run_until([&] { return store->size() == 24u << 20; }, 2 * FileStore::poll_interval));
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{24u << 20}));
  Driver driver(*bench, *store);
  EXPECT_EQ(driver.write(20u << 20, pattern(4096, 1)), 0);
  store->set_observer(nullptr);
}

TEST_F(IblockTest, ItsSizeIsTakenOverAtOnce) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  device->resize(24u << 20);
  EXPECT_EQ(store->resize({}).value_or(0), 24u << 20);
  EXPECT_EQ(store->size(), 24u << 20);
  const auto more = store->resize({.bytes = 32u << 20});
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().text().find("has only 24 MiB"), std::string::npos) << more.error().text();
}

TEST_F(IblockTest, AVanishedDeviceIsNoDevice) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  const auto store = opened(specification());
  ASSERT_NE(store, nullptr);
  Sizes sizes;
  store->set_observer(&sizes);
  Driver driver(*bench, *store);
  const auto data = pattern(4096, 1);
  ASSERT_EQ(driver.write(0, data), 0);
  device->resize(0);
  // By the first access, whichever it is, and from then on without one.
  EXPECT_EQ(driver.write(4096, data), -ENODEV);
  EXPECT_TRUE(driver.read(4096, 4096).empty());
  EXPECT_EQ(driver.last_result(), -ENODEV);
  EXPECT_EQ(driver.command(Operation::Kind::unmap, 0, 4096), -ENODEV);
  device->resize(16u << 20);
  EXPECT_TRUE(
      bench->run_until([&] { return driver.write(0, data) == 0; }, 3 * FileStore::poll_interval));
  store->set_observer(nullptr);
}

TEST_F(IblockTest, ADeviceWithoutSizeIsRefused) {
  ASSERT_NO_FATAL_FAILURE(attach({}));
  if (IsSkipped()) return;
  device->resize(0);
  EXPECT_TRUE(contains(error_of(specification()), "the device has no size"));
}

}  // namespace
}  // namespace srpd::store::test
