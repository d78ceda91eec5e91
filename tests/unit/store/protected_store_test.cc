// A ProtectedStore on ramdisks and files: what it refuses to hand out, what it lets pass, and what
// is left when it ends in the middle of a write.
#include "store/protected_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>

#include "store/registry.h"
#include "store/wrap_delay.h"
#include "unit/store/store_suite.h"

namespace srpd::store {
namespace {

using test::Driver;
using test::pattern;
using Kind = Operation::Kind;
using testing::HasSubstr;

constexpr std::uint64_t size = 1u << 20;
constexpr std::size_t block = 512;

void poke(const std::string& path, std::uint64_t at, const std::string& bytes) {
  std::FILE* const file = std::fopen(path.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  std::fseek(file, static_cast<long>(at), SEEK_SET);
  std::fwrite(bytes.data(), 1, bytes.size(), file);
  std::fclose(file);
}

std::string peek(const std::string& path, std::uint64_t at, std::size_t length) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(at));
  std::string bytes(length, '?');
  in.read(bytes.data(), static_cast<std::streamsize>(length));
  return bytes;
}

const std::string unchecked(8, '\xff');

class ProtectedFileTest : public testing::Test {
 protected:
  ProtectedFileTest() { specification_.path = directory_.file("disk.img"); }

  std::unique_ptr<ProtectedStore> open_again(Protection wanted = {.type = ProtectionType::type_1}) {
    auto plain = open(specification_, bench_->loop());
    EXPECT_TRUE(plain) << plain.error().text();
    auto made = protect(std::move(*plain), specification_, wanted, bench_->loop());
    EXPECT_TRUE(made) << made.error().text();
    return made ? std::move(*made) : nullptr;
  }
  std::string side() const { return specification_.path + ".protection"; }
  int read_result(Backstore& store, std::uint64_t lba, std::size_t blocks = 1) {
    Driver driver(*bench_, store);
    driver.read(lba * block, blocks * block);
    failed_lba_ = driver.last_error_offset() / block;
    return driver.last_result();
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<test::LoopBench> bench_ = test::make_loop_bench("epoll");
  Specification specification_{
      .type = "fileio", .name = "disk0", .path = {}, .size = size, .dsync = true};
  std::uint64_t failed_lba_ = 0;
};

TEST_F(ProtectedFileTest, TheFileBesideItIsThatOfLio) {
  auto store = open_again();
  EXPECT_EQ(std::filesystem::file_size(side()), size / block * 8);
  EXPECT_EQ(peek(side(), 0, 8), unchecked);
  EXPECT_EQ(peek(side(), size / block * 8 - 8, 8), unchecked);
  std::vector<char> data(32 * block, '\xff');
  ASSERT_EQ(Driver(*bench_, *store).write(5 * block, data), 0);
  // The CRC of 512 bytes FFh, application tag 0, the LBA.
  const std::string tuple = peek(side(), 5 * 8, 8);
  std::vector<std::byte> ones(block, std::byte{0xff});
  const std::uint16_t guard = crc16_t10dif(0, ones);
  EXPECT_EQ(tuple, std::string({static_cast<char>(guard >> 8), static_cast<char>(guard), 0, 0, 0, 0,
                                0, 5}));
  EXPECT_EQ(peek(side(), 4 * 8, 8), unchecked);
  EXPECT_EQ(peek(side(), 37 * 8, 8), unchecked);
}

TEST_F(ProtectedFileTest, EachKindOfDamageHasItsAnswerAndItsBlock) {
  auto store = open_again();
  Driver driver(*bench_, *store);
  ASSERT_EQ(driver.write(0, pattern(64 * block, 1)), 0);
  poke(specification_.path, 3 * block + 100, "damaged");
  poke(side(), 10 * 8 + 2, std::string({0, 7}));
  poke(side(), 20 * 8 + 7, "\x15");
  EXPECT_EQ(read_result(*store, 0, 64), guard_check_failed);
  EXPECT_EQ(failed_lba_, 3u);
  EXPECT_EQ(read_result(*store, 4, 60), application_tag_check_failed);
  EXPECT_EQ(failed_lba_, 10u);
  EXPECT_EQ(read_result(*store, 11, 53), reference_tag_check_failed);
  EXPECT_EQ(failed_lba_, 20u);
  EXPECT_EQ(read_result(*store, 21, 43), 0);
  store->set_rules({.type = ProtectionType::type_1, .check_application_tag = false});
  EXPECT_EQ(read_result(*store, 10), 0);
  // What is written anew is right again; what says so is not checked.
  ASSERT_EQ(driver.write(3 * block, pattern(block, 2)), 0);
  poke(side(), 20 * 8, unchecked);
  EXPECT_EQ(read_result(*store, 0, 64), 0);
}

TEST_F(ProtectedFileTest, SurvivesARestartAndABlockAtTheWrongPlace) {
  auto store = open_again();
  ASSERT_EQ(Driver(*bench_, *store).write(0, pattern(16 * block, 1)), 0);
  store.reset();
  poke(specification_.path, 8 * block, peek(specification_.path, 9 * block, block));
  poke(side(), 8 * 8, peek(side(), 9 * 8, 8));
  store = open_again();
  EXPECT_EQ(read_result(*store, 0, 16), reference_tag_check_failed);
  EXPECT_EQ(failed_lba_, 8u);
  store.reset();
  store = open_again({.type = ProtectionType::type_3});
  EXPECT_EQ(read_result(*store, 0, 16), 0) << "type 3 has no reference tags";
}

TEST_F(ProtectedFileTest, LargeBlocksHaveOneTupleEach) {
  auto store = open_again({.type = ProtectionType::type_1, .block_size = 4096});
  EXPECT_EQ(std::filesystem::file_size(side()), size / 4096 * 8);
  const auto data = pattern(4 * 4096, 1);
  ASSERT_EQ(Driver(*bench_, *store).write(4096, data), 0);
  EXPECT_EQ(peek(side(), 8 * 4 + 7, 1), "\x04");
  EXPECT_EQ(Driver(*bench_, *store).read(4096, data.size()), data);
}

TEST_F(ProtectedFileTest, FormatMakesAllUnchecked) {
  auto store = open_again();
  ASSERT_EQ(Driver(*bench_, *store).write(0, pattern(16 * block, 1)), 0);
  poke(specification_.path, 3 * block, "damaged");
  EXPECT_EQ(read_result(*store, 3), guard_check_failed);
  ASSERT_TRUE(store->format());
  EXPECT_EQ(read_result(*store, 0, size / block), 0);
}

TEST_F(ProtectedFileTest, WhatTheFileBesideItLacksIsUnchecked) {
  auto store = open_again();
  ASSERT_EQ(Driver(*bench_, *store).write(0, pattern(64 * block, 1)), 0);
  store.reset();
  std::filesystem::resize_file(side(), 20 * 8 + 3);
  store = open_again();
  EXPECT_EQ(std::filesystem::file_size(side()), size / block * 8);
  EXPECT_EQ(read_result(*store, 0, 64), 0);
  poke(specification_.path, 30 * block, "damaged");
  EXPECT_EQ(read_result(*store, 0, 64), 0);
  poke(specification_.path, 19 * block, "damaged");
  EXPECT_EQ(read_result(*store, 0, 64), guard_check_failed);
}

TEST_F(ProtectedFileTest, TuplesThatVanishUnderItAreAMediumError) {
  auto store = open_again();
  ASSERT_EQ(Driver(*bench_, *store).write(0, pattern(64 * block, 1)), 0);
  std::filesystem::resize_file(side(), 20 * 8);
  EXPECT_EQ(read_result(*store, 0, 20), 0);
  EXPECT_EQ(read_result(*store, 30, 2), -EIO);
  EXPECT_EQ(failed_lba_, 30u);
}

TEST_F(ProtectedFileTest, GrowsWithTheDisk) {
  auto store = open_again();
  ASSERT_EQ(Driver(*bench_, *store).write(size - block, pattern(block, 1)), 0);
  const auto grown = store->resize({.bytes = 2 * size});
  ASSERT_TRUE(grown) << grown.error().text();
  EXPECT_EQ(store->size(), 2 * size);
  EXPECT_EQ(peek(side(), size / block * 8, 8), unchecked);
  EXPECT_EQ(peek(side(), 2 * size / block * 8 - 8, 8), unchecked);
  EXPECT_EQ(read_result(*store, size / block - 1, size / block + 1), 0);
  ASSERT_EQ(Driver(*bench_, *store).write(2 * size - block, pattern(block, 2)), 0);
  poke(specification_.path, 2 * size - 1, "\1");
  EXPECT_EQ(read_result(*store, 2 * size / block - 1), guard_check_failed);
  EXPECT_FALSE(store->resize({.bytes = size})) << "not without being told to";
}

struct Sizes final : Observer {
  void on_size_changed(std::uint64_t bytes) override { seen.push_back(bytes); }
  std::vector<std::uint64_t> seen;
};

TEST_F(ProtectedFileTest, HostsSeeNoBlockBeforeItHasATuple) {
  specification_.size = 0;
  {
    std::ofstream make(specification_.path);
  }
  std::filesystem::resize_file(specification_.path, size);
  auto store = open_again();
  Sizes sizes;
  store->set_observer(&sizes);
  std::filesystem::resize_file(specification_.path, 2 * size);
  bench_->run_until([&] { return store->plain()->size() == 2 * size; });
  EXPECT_EQ(store->size(), size);
  EXPECT_TRUE(sizes.seen.empty());
  ASSERT_TRUE(store->resize({}));
  EXPECT_EQ(store->size(), 2 * size);
  EXPECT_EQ(sizes.seen, std::vector<std::uint64_t>{2 * size});
  store->set_observer(nullptr);
}

TEST_F(ProtectedFileTest, SaysWhyTheTuplesCannotBeKept) {
  std::filesystem::create_directory(side());
  std::shared_ptr<Backstore> plain = std::move(*open(specification_, bench_->loop()));
  const auto made =
      protect(plain, specification_, {.type = ProtectionType::type_1}, bench_->loop());
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text(), HasSubstr("disk.img.protection"));
  EXPECT_EQ(made.error().number, EISDIR);
}

TEST_F(ProtectedFileTest, ABlockDeviceHasNoPlaceForIt) {
  std::string why;
  const auto device = test::LoopDevice::make({.size = size}, why);
  if (device == nullptr) GTEST_SKIP() << why;
  specification_.path = device->path();
  std::shared_ptr<Backstore> plain = std::move(*open(specification_, bench_->loop()));
  const auto made =
      protect(plain, specification_, {.type = ProtectionType::type_1}, bench_->loop());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().number, ENOSYS);
}

// The stores below are cut off after some operations, as by kill -9 or a power failure with every
// completed write on stable media.

struct Cut {
  int left = 1'000'000;
  std::vector<std::string> seen;
};

class CutStore final : public Backstore {
 public:
  CutStore(std::string name, std::unique_ptr<Backstore> inner, Cut& cut, bool cached)
      : name_(std::move(name)),
        inner_(std::move(inner)),
        cut_(cut),
        properties_(inner_->properties()) {
    properties_.write_cache = cached;
  }
  const Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return inner_->size(); }
  std::string description() const override { return "cut"; }
  void submit(runtime::Loop& loop, Operation& operation) override {
    if (operation.kind != Kind::read) {
      if (cut_.left-- <= 0) return operation.complete(-EIO);
      cut_.seen.push_back(name_ +
                          (operation.kind == Kind::write   ? " write"
                           : operation.kind == Kind::flush ? " flush"
                                                           : " clear") +
                          (operation.fua ? " fua" : ""));
    }
    inner_->submit(loop, operation);
  }

 private:
  const std::string name_;
  std::unique_ptr<Backstore> inner_;
  Cut& cut_;
  Properties properties_;
};

class CutTuples final : public Tuples {
 public:
  explicit CutTuples(Backstore& store) : store_(store) {}
  Backstore& store() override { return store_; }
  std::uint64_t mask() const override { return 0; }
  Expected<void> cover(std::uint64_t) override { return {}; }
  Expected<void> format() override { return {}; }

 private:
  Backstore& store_;
};

class CrashTest : public testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<Backstore> ramdisk() {
    return std::move(
        *open({.type = "ramdisk", .name = "ram0", .path = {}, .size = size}, bench_->loop()));
  }
  std::unique_ptr<ProtectedStore> restart() {
    return std::make_unique<ProtectedStore>(data_, std::make_unique<CutTuples>(*tuples_),
                                            Protection{.type = ProtectionType::type_1});
  }

  std::unique_ptr<test::LoopBench> bench_ = test::make_loop_bench("simulated");
  Cut cut_;
  std::shared_ptr<Backstore> data_ =
      std::make_shared<CutStore>("data", ramdisk(), cut_, GetParam());
  std::unique_ptr<Backstore> tuples_ = std::make_unique<CutStore>("tuples", ramdisk(), cut_, false);
};
INSTANTIATE_TEST_SUITE_P(Caches, CrashTest, testing::Bool());

TEST_P(CrashTest, WritesInAnOrderThatCanEndAnywhere) {
  auto store = restart();
  EXPECT_FALSE(store->properties().write_cache);
  ASSERT_EQ(Driver(*bench_, *store).write(0, pattern(4096, 1)), 0);
  const std::string fua = GetParam() ? " fua" : "";
  EXPECT_THAT(cut_.seen, testing::ElementsAre("tuples write", "data write" + fua, "tuples write"));
  cut_.seen.clear();
  ASSERT_EQ(Driver(*bench_, *store).command(Kind::unmap, 0, 4096), 0);
  ASSERT_EQ(cut_.seen.at(0), "tuples write");
  ASSERT_EQ(cut_.seen.at(1), "data clear");
  EXPECT_EQ(cut_.seen.size(), GetParam() ? 3u : 2u);
}

TEST_P(CrashTest, WhereverItEndsTheBlockCanBeRead) {
  const auto before = pattern(8 * block, 1);
  const auto after = pattern(8 * block, 2);
  enum class Change { write, unmap, zeroes, zeroes_kept };
  for (const Change change : {Change::write, Change::unmap, Change::zeroes, Change::zeroes_kept}) {
    for (int end = 0; end < 5; ++end) {
      cut_.left = 1'000'000;
      auto store = restart();
      ASSERT_EQ(Driver(*bench_, *store).write(0, before), 0);
      cut_.left = end;
      Driver driver(*bench_, *store);
      if (change == Change::write) driver.write(0, after);
      if (change == Change::unmap) driver.command(Kind::unmap, 0, before.size());
      if (change == Change::zeroes) driver.command(Kind::write_zeroes, 0, before.size(), true);
      if (change == Change::zeroes_kept) driver.command(Kind::write_zeroes, 0, before.size());
      const bool completed = driver.last_result() == 0;
      store = restart();
      cut_.left = 1'000'000;
      Driver reader(*bench_, *store);
      const auto found = reader.read(0, before.size());
      ASSERT_EQ(reader.last_result(), 0) << end;
      const auto wanted = change == Change::write ? after : std::vector<char>(before.size(), '\0');
      EXPECT_TRUE(found == wanted || (!completed && found == before)) << end;
    }
  }
}

TEST_P(CrashTest, AFailedWriteLeavesAReadableBlock) {
  auto store = restart();
  Driver driver(*bench_, *store);
  ASSERT_EQ(driver.write(0, pattern(4096, 1)), 0);
  cut_.left = 1;
  EXPECT_EQ(driver.write(0, pattern(4096, 2)), -EIO);
  cut_.left = 1'000'000;
  EXPECT_EQ(driver.read(0, 4096), pattern(4096, 1));
}

class ProtectedRamdiskTest : public testing::Test {
 protected:
  std::unique_ptr<ProtectedStore> make(std::shared_ptr<Backstore> plain,
                                       std::uint64_t bytes = size) {
    const Specification specification{.type = "ramdisk", .name = "ram0", .path = {}, .size = bytes};
    auto made =
        protect(std::move(plain), specification, {.type = ProtectionType::type_1}, bench_->loop());
    EXPECT_TRUE(made) << made.error().text();
    return std::move(*made);
  }
  std::shared_ptr<Backstore> ramdisk() {
    return std::move(
        *open({.type = "ramdisk", .name = "ram0", .path = {}, .size = size}, bench_->loop()));
  }

  std::unique_ptr<test::LoopBench> bench_ = test::make_loop_bench("simulated");
};

TEST_F(ProtectedRamdiskTest, DamagedMemoryIsNotHandedOut) {
  const auto plain = ramdisk();
  auto store = make(plain);
  Driver driver(*bench_, *store);
  ASSERT_EQ(driver.write(0, pattern(64 * block, 1)), 0);
  *plain->map(7 * block + 5, 1) ^= std::byte{1};
  driver.read(0, 64 * block);
  EXPECT_EQ(driver.last_result(), guard_check_failed);
  EXPECT_EQ(driver.last_error_offset(), 7 * block);
  EXPECT_EQ(store->map(0, block), nullptr);
  EXPECT_EQ(store->memory(), nullptr);
}

TEST_F(ProtectedRamdiskTest, WhatWasNeverWrittenOrIsUnmappedIsUnchecked) {
  const auto plain = ramdisk();
  auto store = make(plain);
  Driver driver(*bench_, *store);
  ASSERT_EQ(driver.write(0, pattern(64 * block, 1)), 0);
  ASSERT_EQ(driver.command(Kind::unmap, 0, 16 * block), 0);
  ASSERT_EQ(driver.command(Kind::write_zeroes, 16 * block, 16 * block), 0);
  for (const std::uint64_t lba : {0u, 100u, 16u}) *plain->map(lba * block, 1) ^= std::byte{1};
  driver.read(0, 16 * block);
  EXPECT_EQ(driver.last_result(), 0);
  driver.read(100 * block, block);
  EXPECT_EQ(driver.last_result(), 0);
  driver.read(0, 64 * block);
  EXPECT_EQ(driver.last_result(), guard_check_failed) << "zeroes that were written are data";
  EXPECT_EQ(driver.last_error_offset(), 16 * block);
}

TEST_F(ProtectedRamdiskTest, WhatIsCutOffComesBackUnchecked) {
  const auto plain = ramdisk();
  auto store = make(plain);
  Driver driver(*bench_, *store);
  ASSERT_EQ(driver.write(0, pattern(size, 1)), 0);
  const std::uint64_t small = size / 4 + 8 * block;
  ASSERT_TRUE(store->resize({.bytes = small, .may_shrink = true}));
  ASSERT_TRUE(store->resize({.bytes = 2 * size}));
  EXPECT_EQ(store->size(), 2 * size);
  driver.read(0, 2 * size);
  EXPECT_EQ(driver.last_result(), 0);
  *plain->map(small - block, 1) ^= std::byte{1};
  driver.read(0, 2 * size);
  EXPECT_EQ(driver.last_result(), guard_check_failed) << "what stayed is still checked";
}

// A read between data and tuples, or two writes whose tuples change places, would be errors.
TEST_F(ProtectedRamdiskTest, OverlappingOperationsDoNotMeet) {
  int count = 0;
  auto slow = std::make_shared<WrapDelay>(
      std::move(
          *open({.type = "ramdisk", .name = "ram0", .path = {}, .size = size}, bench_->loop())),
      [&](const Operation&) { return std::chrono::milliseconds(++count == 1 ? 50 : 1); });
  auto store = make(slow);
  const auto first = pattern(4096, 1), second = pattern(4096, 2);
  std::vector<char> found(4096);
  std::array<Operation, 3> operations;
  const std::array<iovec, 3> pieces{iovec{const_cast<char*>(first.data()), 4096},
                                    iovec{const_cast<char*>(second.data()), 4096},
                                    iovec{found.data(), 4096}};
  struct Begin : runtime::Deferred {
    Begin(ProtectedStore& on, runtime::Loop& by, std::span<Operation> what)
        : Deferred([](Deferred& self) {
            auto& begin = static_cast<Begin&>(self);
            for (Operation& each : begin.operations) begin.store.submit(begin.loop, each);
          }),
          store(on),
          loop(by),
          operations(what) {}
    ProtectedStore& store;
    runtime::Loop& loop;
    std::span<Operation> operations;
  } begin(*store, bench_->loop(), operations);
  for (std::size_t i = 0; i < 3; ++i) {
    operations[i].kind = i < 2 ? Kind::write : Kind::read;
    operations[i].length = 4096;
    operations[i].buffers = {&pieces[i], 1};
  }
  bench_->loop().defer(begin);
  ASSERT_TRUE(bench_->run_until([&] { return operations[2].done(); }));
  EXPECT_TRUE(operations[0].done() && operations[1].done());
  EXPECT_EQ(operations[2].result(), 0);
  EXPECT_EQ(found, second);
}

TEST(Protect, IsRefusedWhereNothingIsKept) {
  const auto bench = test::make_loop_bench("simulated");
  const Specification null{.type = "null", .name = "n0", .path = {}, .size = size};
  EXPECT_FALSE(can_protect("null"));
  EXPECT_FALSE(can_protect("iblock"));
  std::shared_ptr<Backstore> plain = std::move(*open(null, bench->loop()));
  const auto made = protect(plain, null, {.type = ProtectionType::type_1}, bench->loop());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().number, ENOSYS);
}

}  // namespace
}  // namespace srpd::store
