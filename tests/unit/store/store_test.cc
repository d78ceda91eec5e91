// The contract of backstore.h, for every store on every kind of loop.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/buffer_pool.h"
#include "runtime/frame_pool.h"
#include "runtime/pinnable_memory.h"
#include "store/registry.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

INSTANTIATE_TEST_SUITE_P(All, StoreTest,
                         ::testing::Combine(::testing::ValuesIn(store_kinds()),
                                            ::testing::Values("io_uring", "epoll", "simulated")),
                         [](const auto& kind) {
                           return std::get<0>(kind.param).name + "_" + std::get<1>(kind.param);
                         });

bool all_zero(const std::vector<char>& data) {
  return std::all_of(data.begin(), data.end(), [](char c) { return c == 0; });
}

bool in_kernel(const std::string& type) { return type == "fileio" || type == "iblock"; }

TEST_P(StoreTest, TellsWhatItIs) {
  const Properties& properties = store().properties();
  EXPECT_EQ(store().size(), size);
  EXPECT_EQ(properties.block_size, 512u);
  EXPECT_EQ(properties.product, kind().type == "fileio"   ? "FILEIO"
                                : kind().type == "iblock" ? "IBLOCK"
                                                          : "RAMDISK-MCP");
  EXPECT_EQ(properties.plugin, in_kernel(kind().type) ? kind().type : "rd_mcp");
  const bool cached = device() != nullptr
                          ? device()->queue("write_cache") == "write back"
                          : kind().type == "fileio" && !kind().dsync && !kind().with_protection;
  EXPECT_EQ(properties.write_cache, cached);
  EXPECT_FALSE(properties.read_only);
  EXPECT_NE(store().description().find("16 MiB"), std::string::npos) << store().description();
}

TEST_P(StoreTest, StartsWithZeroes) {
  EXPECT_TRUE(all_zero(driver().read(0, 4096)));
  EXPECT_TRUE(all_zero(driver().read(size - 512, 512)));
}

TEST_P(StoreTest, ReadsWhatWasWritten) {
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{512}, size - 65536}) {
    const auto data = pattern(65536, offset);
    ASSERT_EQ(driver().write(offset, data), 0);
    const auto found = driver().read(offset, data.size());
    ASSERT_EQ(driver().last_result(), 0);
    EXPECT_EQ(found == data, kind().keeps_data);
    if (!kind().keeps_data) {
      EXPECT_TRUE(all_zero(found));
    }
  }
}

TEST_P(StoreTest, LargeOperationsAreWhole) {
  const auto data = pattern(8u << 20, 7);
  ASSERT_EQ(driver().write(1u << 20, data), 0);
  if (kind().keeps_data) {
    EXPECT_TRUE(driver().read(1u << 20, data.size()) == data);
  }
}

// 1500 pieces are more than one system call takes; odd lengths and addresses need a bounce buffer
// with O_DIRECT.
TEST_P(StoreTest, GathersManyOddPieces) {
  const auto data = pattern(1u << 20, 11);
  ASSERT_EQ(driver().write_in_pieces(4096, data, 1500), 0);
  if (kind().keeps_data) {
    EXPECT_TRUE(driver().read(4096, data.size()) == data);
  }
}

TEST_P(StoreTest, MisalignedMemoryIsServed) {
  auto data = pattern(8192 + 1, 3);
  const iovec piece{data.data() + 1, 8192};
  Operation operation;
  operation.kind = Operation::Kind::write;
  operation.offset = 1536;
  operation.length = 8192;
  operation.buffers = {&piece, 1};
  ASSERT_EQ(driver().run(operation), 0);
  data.erase(data.begin());
  if (kind().keeps_data) {
    EXPECT_TRUE(driver().read(1536, 8192) == data);
  }
  EXPECT_EQ(bench().loop().buffers().lent_bytes(), 0u);
}

TEST_P(StoreTest, FuaAndFlushSucceed) {
  EXPECT_EQ(driver().write(0, pattern(4096, 1), true), 0);
  EXPECT_EQ(driver().flush(), 0);
}

TEST_P(StoreTest, WriteZeroesReadsBackAsZeroAndTouchesNothingElse) {
  for (const bool may_unmap : {false, true}) {
    for (const std::uint64_t length :
         {std::uint64_t{512}, std::uint64_t{70000 / 512 * 512}, std::uint64_t{5} << 20}) {
      const std::uint64_t at = 512 * 9;
      const auto data = pattern(length + 1024, length);
      ASSERT_EQ(driver().write(at - 512, data), 0);
      ASSERT_EQ(driver().command(Operation::Kind::write_zeroes, at, length, may_unmap), 0);
      EXPECT_TRUE(all_zero(driver().read(at, length)));
      if (!kind().keeps_data) continue;
      EXPECT_TRUE(std::ranges::equal(driver().read(at - 512, 512), std::span(data).first(512)));
      EXPECT_TRUE(std::ranges::equal(driver().read(at + length, 512), std::span(data).last(512)));
    }
  }
}

TEST_P(StoreTest, UnmapKeepsItsPromise) {
  const auto data = pattern(6u << 20, 5);
  ASSERT_EQ(driver().write(4096, data), 0);
  Operation operation;
  operation.kind = Operation::Kind::unmap;
  operation.zeroed = store().properties().unmap_zeroes;
  operation.offset = 8192;
  operation.length = 5u << 20;
  ASSERT_EQ(driver().run(operation), 0);
  if (store().properties().unmap_zeroes) {
    EXPECT_TRUE(all_zero(driver().read(8192, 5u << 20)));
  }
  EXPECT_EQ(driver().command(Operation::Kind::unmap, 16384, 65536), 0);
  if (kind().keeps_data) {
    EXPECT_TRUE(std::ranges::equal(driver().read(4096, 4096), std::span(data).first(4096)));
  }
}

TEST_P(StoreTest, MapIsTheSameMemory) {
  std::byte* const memory = store().map(8192, 4096);
  if (kind().type != "ramdisk" || kind().with_protection) {
    EXPECT_EQ(memory, nullptr);
    return;
  }
  ASSERT_NE(memory, nullptr);
  const auto data = pattern(4096, 2);
  std::memcpy(memory, data.data(), data.size());
  EXPECT_TRUE(driver().read(8192, 4096) == data);
}

/// Many operations at once, each checked against a copy in memory when all are done.
TEST_P(StoreTest, ManyAtOnce) {
  constexpr std::size_t count = 64, length = 32768;
  std::vector<std::vector<char>> data;
  std::vector<iovec> pieces(count);
  std::vector<Operation> operations(count);
  struct Starter : runtime::Deferred {
    Starter(runtime::Loop& on, Backstore& to, std::vector<Operation>& what)
        : Deferred([](Deferred& self) {
            auto& all = static_cast<Starter&>(self);
            for (Operation& operation : all.operations) all.store.submit(all.loop, operation);
          }),
          loop(on),
          store(to),
          operations(what) {}
    runtime::Loop& loop;
    Backstore& store;
    std::vector<Operation>& operations;
  };
  for (std::size_t i = 0; i < count; ++i) {
    data.push_back(pattern(length, i));
    pieces[i] = {data[i].data(), length};
    operations[i].kind = Operation::Kind::write;
    operations[i].offset = i * length;
    operations[i].length = length;
    operations[i].buffers = {&pieces[i], 1};
  }
  Starter starter(bench().loop(), store(), operations);
  bench().loop().defer(starter);
  ASSERT_TRUE(bench().run_until([&] {
    return std::ranges::all_of(operations, [](const Operation& o) { return o.done(); });
  }));
  for (const Operation& operation : operations) EXPECT_EQ(operation.result(), 0);
  for (std::size_t i = 0; i < count && kind().keeps_data; ++i)
    EXPECT_TRUE(driver().read(i * length, length) == data[i]) << i;
  EXPECT_EQ(bench().loop().frames().live(), 0u);
}

TEST_P(StoreTest, ReadOnlyRefusesWhateverChanges) {
  const auto data = pattern(4096, 9);
  ASSERT_EQ(driver().write(0, data), 0);
  Specification again = specification();
  again.read_only = true;
  TearDown();  // the lock of the file is exclusive
  if (!in_kernel(kind().type)) again.path.clear();
  auto opened = open(again, bench().loop());
  ASSERT_TRUE(opened) << opened.error().text();
  Driver reader(bench(), **opened);
  EXPECT_TRUE((*opened)->properties().read_only);
  EXPECT_FALSE((*opened)->properties().write_cache);
  EXPECT_EQ(reader.write(0, data), -EROFS);
  EXPECT_EQ(reader.command(Operation::Kind::unmap, 0, 4096), -EROFS);
  EXPECT_EQ(reader.command(Operation::Kind::write_zeroes, 0, 4096), -EROFS);
  EXPECT_EQ(reader.flush(), 0);
  if (in_kernel(kind().type)) {
    EXPECT_TRUE(reader.read(0, 4096) == data);
  }
}

TEST(Registry, RefusesWhatItDoesNotKnow) {
  const auto bench = make_loop_bench("simulated");
  Specification specification{.type = "tape", .name = "disk0", .path = {}, .size = 4096};
  const auto opened = open(specification, bench->loop());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("'tape'"), std::string::npos);
  EXPECT_NE(opened.error().text().find("ramdisk, null, fileio, iblock, pscsi"), std::string::npos);
  specification.type = "ramdisk";
  specification.block_size = 520;
  EXPECT_FALSE(open(specification, bench->loop()));
}

TEST(Ramdisk, UntouchedMemoryCostsNothing) {
  const auto bench = make_loop_bench("simulated");
  const auto resident = [] {
    long total = 0, pages = 0;
    FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &pages) != 2) pages = -1;
    if (file != nullptr) std::fclose(file);
    return pages * ::sysconf(_SC_PAGESIZE);
  };
  const long before = resident();
  const Specification huge{
      .type = "ramdisk", .name = "disk0", .path = {}, .size = std::uint64_t{1} << 40};
  const auto opened = open(huge, bench->loop());
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_LT(resident() - before, 4 << 20);
  Driver driver(*bench, **opened);
  const auto data = pattern(4096, 1);
  EXPECT_EQ(driver.write((std::uint64_t{1} << 40) - 4096, data), 0);
  EXPECT_TRUE(driver.read((std::uint64_t{1} << 40) - 4096, 4096) == data);
  EXPECT_EQ((*opened)->description(), "ramdisk 1 TiB");
}

struct Sizes final : Observer {
  void on_size_changed(std::uint64_t bytes) override { seen.push_back(bytes); }
  std::vector<std::uint64_t> seen;
};

TEST_P(StoreTest, ResizesWhileItIsServed) {
  if (device() != nullptr) {  // which has the size that it has
    EXPECT_EQ(store().resize({}).value_or(0), size);
    EXPECT_FALSE(store().resize({.bytes = 2 * size}));
    return;
  }
  constexpr std::uint64_t larger = 24u << 20;
  Sizes sizes;
  store().set_observer(&sizes);
  const auto data = pattern(65536, 9);
  ASSERT_EQ(driver().write(size - 65536, data), 0);
  const auto grown = store().resize({.bytes = larger});
  ASSERT_TRUE(grown) << grown.error().text();
  EXPECT_EQ(*grown, larger);
  EXPECT_EQ(store().size(), larger);
  EXPECT_TRUE(all_zero(driver().read(size, 65536)));
  ASSERT_EQ(driver().write(larger - 65536, data), 0);
  if (kind().keeps_data) {
    EXPECT_TRUE(driver().read(size - 65536, 65536) == data);
    EXPECT_TRUE(driver().read(larger - 65536, 65536) == data);
  }
  EXPECT_NE(store().description().find("24 MiB"), std::string::npos) << store().description();
  EXPECT_FALSE(store().resize({.bytes = size}));
  EXPECT_EQ(store().size(), larger);
  EXPECT_TRUE(store().resize({.bytes = size, .may_shrink = true}));
  EXPECT_EQ(store().size(), size);
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{larger, size}));
  EXPECT_FALSE(store().resize({.bytes = 1, .may_shrink = true}));
  store().set_observer(nullptr);
}

TEST(Ramdisk, WhatGrowsBackIsEmpty) {
  const auto bench = make_loop_bench("simulated");
  const auto opened =
      open({.type = "ramdisk", .name = "disk0", .path = {}, .size = 64u << 20}, bench->loop());
  ASSERT_TRUE(opened) << opened.error().text();
  Driver driver(*bench, **opened);
  for (const std::uint64_t at : {std::uint64_t{50} << 20, std::uint64_t{90} << 20}) {
    ASSERT_TRUE((*opened)->resize({.bytes = 128u << 20}));
    ASSERT_EQ(driver.write(at, pattern(8u << 20, at)), 0);
    ASSERT_TRUE((*opened)->resize({.bytes = 4096, .may_shrink = true}));
    ASSERT_TRUE((*opened)->resize({.bytes = 128u << 20}));
    EXPECT_TRUE(all_zero(driver.read(at, 8u << 20)));
  }
}

// What adapters know of it stays as it is; what is new they may know as well.
TEST(Ramdisk, WhatItGrowsByIsLentToo) {
  constexpr std::uint64_t before = 64u << 20, after = 128u << 20;
  const auto bench = make_loop_bench("simulated");
  const auto opened =
      open({.type = "ramdisk", .name = "disk0", .path = {}, .size = before}, bench->loop());
  ASSERT_TRUE(opened) << opened.error().text();
  runtime::PinnableMemory& old = *(*opened)->memory();
  EXPECT_EQ(old.next(), nullptr);
  ASSERT_TRUE((*opened)->resize({.bytes = after}));
  ASSERT_NE(old.next(), nullptr);
  EXPECT_EQ(old.bytes().size(), before);
  EXPECT_EQ(old.next()->bytes().data(), (*opened)->map(before, 512));
  EXPECT_EQ(old.next()->bytes().size(), after - before);
  // Also where some of it is pinned, from one into the other.
  old.next()->pin(0);
  Driver driver(*bench, **opened);
  ASSERT_EQ(driver.write(before - (8u << 20), pattern(16u << 20, 3)), 0);
  ASSERT_TRUE((*opened)->resize({.bytes = 4096, .may_shrink = true}));
  ASSERT_TRUE((*opened)->resize({.bytes = after}));
  EXPECT_EQ(old.next()->next(), nullptr) << "it had that before";
  EXPECT_TRUE(all_zero(driver.read(before - (8u << 20), 16u << 20)));
}

TEST(Ramdisk, GrowsAsFarAsItsAddressesReach) {
  const auto bench = make_loop_bench("simulated");
  const auto opened =
      open({.type = "ramdisk", .name = "disk0", .path = {}, .size = 64u << 20}, bench->loop());
  ASSERT_TRUE(opened) << opened.error().text();
  const std::byte* const before = (*opened)->map(0, 512);
  EXPECT_TRUE((*opened)->resize({.bytes = 1u << 30}));
  EXPECT_EQ((*opened)->map(0, 512), before) << "hosts are reading there";
  const auto refused = (*opened)->resize({.bytes = (1u << 30) + 4096});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("can grow to 1 GiB"), std::string::npos);
  EXPECT_NE(refused.error().text().find("make another ramdisk"), std::string::npos);
  EXPECT_EQ((*opened)->size(), 1u << 30);
}

TEST(Ramdisk, NeedsASizeThatExists) {
  const auto bench = make_loop_bench("simulated");
  EXPECT_FALSE(open({.type = "ramdisk", .name = "disk0", .path = {}, .size = 0}, bench->loop()));
  const auto opened =
      open({.type = "ramdisk", .name = "disk0", .path = {}, .size = INT64_MAX}, bench->loop());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("Cannot allocate memory"), std::string::npos);
}

}  // namespace
}  // namespace srpd::store::test
