// What can be wrong with a file, before and while it is served.
#include "store/fileio.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "store/file_store.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

class FileTest : public ::testing::Test {
 protected:
  Specification specification(const std::string& name, std::uint64_t size = 0) {
    Specification made;
    made.type = "fileio";
    made.name = "file0";
    made.path = directory.file(name);
    made.size = size;
    return made;
  }
  void make_file(const std::string& name, std::uint64_t size) {
    std::ofstream(directory.file(name)).close();
    ASSERT_EQ(::truncate(directory.file(name).c_str(), static_cast<off_t>(size)), 0);
  }
  /// The text of the error; empty when it opened.
  std::string error_of(const Specification& what) {
    const auto opened = open_fileio(what, bench->loop());
    return opened ? "" : opened.error().text();
  }
  std::unique_ptr<Backstore> opened(const Specification& what) {
    auto store = open_fileio(what, bench->loop());
    EXPECT_TRUE(store) << store.error().text();
    return store ? std::move(*store) : nullptr;
  }

  TemporaryDirectory directory;
  std::unique_ptr<LoopBench> bench = make_loop_bench("simulated");
};

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' lacks '" << part << "'";
}

TEST_F(FileTest, MissingFileNamesTheRemedy) {
  const std::string error = error_of(specification("missing"));
  EXPECT_TRUE(contains(error, "does not exist"));
  EXPECT_TRUE(contains(error, "truncate -s 10G"));
  const std::string folder = error_of(specification("no/missing", 4096));
  EXPECT_TRUE(contains(folder, "folder that it is to be made in does not exist"));
  EXPECT_TRUE(contains(folder, "mkdir -p '" + directory.file("no") + "'"));
}

TEST_F(FileTest, ASizeCreatesTheFileSparse) {
  const auto store = opened(specification("new", 1u << 30));
  ASSERT_NE(store, nullptr);
  struct stat status{};
  ASSERT_EQ(::stat(directory.file("new").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 1 << 30);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_LT(status.st_blocks, 64);
}

TEST_F(FileTest, DirectoryDeviceAndEmptyFileAreRefused) {
  EXPECT_TRUE(contains(error_of(specification("")), "is a directory"));
  Specification device;
  device.type = "fileio";
  device.path = "/dev/null";
  EXPECT_TRUE(contains(error_of(device), "neither a regular file nor a block device"));
  make_file("empty", 0);
  EXPECT_TRUE(contains(error_of(specification("empty")), "is empty"));
}

TEST_F(FileTest, AFifoDoesNotBlock) {
  ASSERT_EQ(::mkfifo(directory.file("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(contains(error_of(specification("fifo")), "neither"));
}

TEST_F(FileTest, AShorterFileThanConfiguredIsNotExtended) {
  make_file("short", 1u << 20);
  const std::string error = error_of(specification("short", 2u << 20));
  EXPECT_TRUE(contains(error, "1 MiB, less than the 2 MiB"));
  EXPECT_TRUE(contains(error, "truncate -s 2097152"));
}

TEST_F(FileTest, ServedOnceOnly) {
  make_file("once", 1u << 20);
  const auto store = opened(specification("once"));
  EXPECT_TRUE(contains(error_of(specification("once")), "already served"));
}

TEST_F(FileTest, ReadOnlyIsServedManyTimes) {
  make_file("many", 1u << 20);
  Specification reader = specification("many");
  reader.read_only = true;
  const auto first = opened(reader);
  const auto second = opened(reader);
  EXPECT_TRUE(contains(error_of(specification("many")), "already served"));
}

// Root passes every permission check: the question is asked as nobody.
TEST_F(FileTest, PermissionDeniedNamesTheUserAndTheRemedy) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to change to another user";
  make_file("mine", 1u << 20);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(directory.file("mine").c_str(), 0444), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const std::string error = error_of(specification("mine"));
  Specification reader = specification("mine");
  reader.read_only = true;
  const std::string as_reader = error_of(reader);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_TRUE(contains(error, "permission denied for user id 65534"));
  EXPECT_TRUE(contains(error, ",ro"));
  EXPECT_EQ(as_reader, "");
}

TEST_F(FileTest, SizeIsRoundedDownToBlocks) {
  make_file("odd", 1000000);
  EXPECT_EQ(opened(specification("odd"))->size(), 1000000u / 512 * 512);
  Specification large_blocks = specification("odd");
  large_blocks.block_size = 4096;
  EXPECT_EQ(opened(large_blocks)->size(), 1000000u / 4096 * 4096);
}

struct Sizes final : Observer {
  void on_size_changed(std::uint64_t bytes) override { seen.push_back(bytes); }
  std::vector<std::uint64_t> seen;
};

TEST_F(FileTest, GrowthIsNoticedAndTold) {
  make_file("growing", 1u << 20);
  const auto store = opened(specification("growing"));
  Sizes sizes;
  store->set_observer(&sizes);
  ASSERT_EQ(::truncate(directory.file("growing").c_str(), 3 << 20), 0);
  EXPECT_TRUE(
      bench->run_until([&] { return store->size() == 3u << 20; }, 2 * FileStore::poll_interval));
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{3u << 20}));
  store->set_observer(nullptr);
  ASSERT_EQ(::truncate(directory.file("growing").c_str(), 4 << 20), 0);
  EXPECT_TRUE(
      bench->run_until([&] { return store->size() == 4u << 20; }, 2 * FileStore::poll_interval));
  EXPECT_EQ(sizes.seen.size(), 1u);
}

TEST_F(FileTest, AConfiguredSizeDoesNotGrow) {
  make_file("fixed", 2u << 20);
  const auto store = opened(specification("fixed", 1u << 20));
  EXPECT_EQ(store->size(), 1u << 20);
  EXPECT_FALSE(
      bench->run_until([&] { return store->size() != 1u << 20; }, 3 * FileStore::poll_interval));
}

/// The size of the file, not of the store.
std::uint64_t length_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return static_cast<std::uint64_t>(status.st_size);
}

std::string text_of(const Expected<std::uint64_t>& resized) {
  return resized ? "" : resized.error().text();
}

TEST_F(FileTest, ResizeExtendsTheFileAndTells) {
  make_file("grown", 1u << 20);
  const auto store = opened(specification("grown", 1u << 20));
  Sizes sizes;
  store->set_observer(&sizes);
  Driver driver(*bench, *store);
  ASSERT_EQ(driver.write(0, pattern(65536, 1)), 0);
  const auto grown = store->resize({.bytes = (3u << 20) + 100});
  ASSERT_TRUE(grown) << grown.error().text();
  EXPECT_EQ(*grown, 3u << 20) << "whole blocks";
  EXPECT_EQ(store->size(), 3u << 20);
  EXPECT_EQ(length_of(directory.file("grown")), 3u << 20);
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{3u << 20}));
  EXPECT_TRUE(driver.read(0, 65536) == pattern(65536, 1));
  EXPECT_EQ(driver.write((3u << 20) - 4096, pattern(4096, 2)), 0);
  EXPECT_TRUE(driver.read((3u << 20) - 4096, 4096) == pattern(4096, 2));
  EXPECT_EQ(store->resize({.bytes = 3u << 20}).value_or(0), 3u << 20);
  EXPECT_EQ(sizes.seen.size(), 1u) << "nothing has changed";
}

TEST_F(FileTest, ResizeShrinksOnlyOnDemandAndCutsNothing) {
  make_file("shorter", 2u << 20);
  const auto store = opened(specification("shorter"));
  Sizes sizes;
  store->set_observer(&sizes);
  EXPECT_TRUE(
      contains(text_of(store->resize({.bytes = 1u << 20})), "from 2 MiB to 1 MiB: hosts lose"));
  EXPECT_TRUE(sizes.seen.empty());
  EXPECT_EQ(store->resize({.bytes = 1u << 20, .may_shrink = true}).value_or(0), 1u << 20);
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{1u << 20}));
  EXPECT_EQ(length_of(directory.file("shorter")), 2u << 20);
  EXPECT_FALSE(
      bench->run_until([&] { return store->size() != 1u << 20; }, 3 * FileStore::poll_interval))
      << "its size is a configured one from now on";
  EXPECT_TRUE(contains(text_of(store->resize({.bytes = 100, .may_shrink = true})), "at least one"));
}

TEST_F(FileTest, ResizeWithoutASizeTakesOverThatOfTheFile) {
  make_file("taken", 1u << 20);
  const auto store = opened(specification("taken", 1u << 20));
  ASSERT_EQ(::truncate(directory.file("taken").c_str(), (4 << 20) + 511), 0);
  EXPECT_EQ(store->resize({}).value_or(0), 4u << 20);
  EXPECT_EQ(store->size(), 4u << 20);
}

TEST_F(FileTest, ResizeDoesNotHideThatAFileWasCut) {
  make_file("cut", 2u << 20);
  const auto store = opened(specification("cut", 2u << 20));
  Driver driver(*bench, *store);
  ASSERT_EQ(::truncate(directory.file("cut").c_str(), 1 << 20), 0);
  EXPECT_TRUE(contains(text_of(store->resize({.bytes = 4u << 20})), "only 1 MiB of the 2 MiB"));
  EXPECT_EQ(length_of(directory.file("cut")), 1u << 20);
  EXPECT_TRUE(contains(text_of(store->resize({})), "would shrink"));
  EXPECT_TRUE(driver.read(1u << 20, 4096).empty());
  EXPECT_EQ(store->resize({.may_shrink = true}).value_or(0), 1u << 20);
  EXPECT_EQ(store->size(), 1u << 20);
  EXPECT_EQ(driver.write((1u << 20) - 4096, pattern(4096, 1)), 0) << "it is whole again";
  ASSERT_EQ(::truncate(directory.file("cut").c_str(), 0), 0);
  EXPECT_TRUE(contains(text_of(store->resize({.may_shrink = true})), "nothing behind it"));
}

TEST_F(FileTest, ResizeNamesWhatStandsAgainstIt) {
  make_file("read", 1u << 20);
  Specification reader = specification("read");
  reader.read_only = true;
  EXPECT_TRUE(contains(text_of(opened(reader)->resize({.bytes = 2u << 20})), "served read-only"));
  const auto store = opened(specification("new", 1u << 20));
  EXPECT_TRUE(
      contains(text_of(store->resize({.bytes = std::uint64_t{1} << 62})), "cannot be made"));
  EXPECT_EQ(store->size(), 1u << 20);
}

TEST_F(FileTest, ShrunkFileIsAMediumErrorUntilItIsWholeAgain) {
  make_file("shrunk", 2u << 20);
  const auto store = opened(specification("shrunk"));
  Sizes sizes;
  store->set_observer(&sizes);
  Driver driver(*bench, *store);
  const auto data = pattern(65536, 1);
  ASSERT_EQ(driver.write(0, data), 0);
  ASSERT_EQ(::truncate(directory.file("shrunk").c_str(), (1 << 20) + 4096), 0);
  EXPECT_TRUE(driver.read(1u << 20, 8192).empty());
  EXPECT_EQ(driver.last_result(), -EIO);
  EXPECT_EQ(driver.last_error_offset(), (1u << 20) + 4096);
  EXPECT_TRUE(driver.read(0, 65536) == data);
  EXPECT_EQ(store->size(), 2u << 20);
  // Not even a write brings the end back: zeroes nobody wrote would lie before it.
  EXPECT_EQ(driver.write((2u << 20) - 65536, data), -EIO);
  EXPECT_TRUE(driver.read(1536u << 10, 512).empty());
  ASSERT_EQ(::truncate(directory.file("shrunk").c_str(), 2 << 20), 0);
  EXPECT_TRUE(bench->run_until([&] { return driver.read(1u << 20, 8192).size() == 8192; },
                               3 * FileStore::poll_interval));
}

TEST_F(FileTest, ShrinkingIsNoticedWithoutARead) {
  make_file("shrunk", 2u << 20);
  const auto store = opened(specification("shrunk"));
  Sizes sizes;
  store->set_observer(&sizes);
  Driver driver(*bench, *store);
  ASSERT_EQ(::truncate(directory.file("shrunk").c_str(), 1 << 20), 0);
  bench->run_until([] { return false; }, 2 * FileStore::poll_interval);
  EXPECT_EQ(driver.write((2u << 20) - 4096, pattern(4096, 1)), -EIO);
  struct stat status{};
  ASSERT_EQ(::stat(directory.file("shrunk").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 1 << 20);
}

/// A store on any descriptor, for errors that a file system gives only with effort.
std::unique_ptr<FileStore> store_on(int fd, LoopBench& bench, std::uint64_t size) {
  OpenedFile file;
  file.fd = fd;
  file.name = "file0";
  file.path = "/dev/full";
  file.size = size;
  file.fixed_size = true;
  file.properties.write_cache = true;
  return std::make_unique<FileStore>(std::move(file), bench.loop());
}

TEST_F(FileTest, AFullDiskIsNoSpace) {
  const auto store = store_on(::open("/dev/full", O_RDWR | O_CLOEXEC), *bench, 1u << 20);
  Driver driver(*bench, *store);
  EXPECT_EQ(driver.write(4096, pattern(4096, 1)), -ENOSPC);
  EXPECT_EQ(driver.last_error_offset(), 4096u);
}

TEST_F(FileTest, AFailedSyncIsReported) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const auto store = store_on(ends[0], *bench, 1u << 20);  // a pipe cannot be synced
  Driver driver(*bench, *store);
  EXPECT_EQ(driver.flush(), -EIO);
  ::close(ends[1]);
}

// The size limit of the process cuts a write in two: the rest is tried and tells why.
TEST_F(FileTest, AShortWriteIsContinuedAndThenExplained) {
  make_file("limited", 1u << 20);
  const auto store = opened(specification("limited"));
  Driver driver(*bench, *store);
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit limited = before;
  limited.rlim_cur = 300 << 10;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  const int result = driver.write(256u << 10, pattern(128u << 10, 1));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(result, -ENOSPC);
  EXPECT_EQ(driver.last_error_offset(), 300u << 10);
}

TEST_F(FileTest, UnmapGivesSpaceBack) {
  const auto store = opened(specification("sparse", 8u << 20));
  if (!store->properties().can_unmap) GTEST_SKIP() << "no holes on this file system";
  Driver driver(*bench, *store);
  ASSERT_EQ(driver.write(0, pattern(8u << 20, 1)), 0);
  ASSERT_EQ(driver.flush(), 0);
  ASSERT_EQ(driver.command(Operation::Kind::unmap, 0, 8u << 20), 0);
  struct stat status{};
  ASSERT_EQ(::stat(directory.file("sparse").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
  EXPECT_EQ(status.st_size, 8 << 20);
}

}  // namespace
}  // namespace srpd::store::test
