// File I/O: what every loop returns for good, short and refused operations.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

class FileTest : public LoopTest {
 protected:
  void SetUp() override {
    LoopTest::SetUp();
    std::string name = ::testing::TempDir() + "srpd-loop-XXXXXX";
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    ASSERT_GE(fd_, 0);
    ::unlink(name.c_str());
  }
  void TearDown() override {
    if (fd_ >= 0) ::close(fd_);
  }

  int result_of(FileOperation& operation) {
    loop().submit(operation);
    EXPECT_TRUE(run_until([&] { return operation.done(); }));
    return operation.result();
  }

  int transfer(FileOperation::Kind kind, std::span<const iovec> buffers, std::uint64_t offset,
               int fd = -2) {
    FileOperation operation;
    operation.kind = kind;
    operation.fd = fd == -2 ? fd_ : fd;
    operation.offset = offset;
    operation.buffers = buffers;
    return result_of(operation);
  }

  int fd_ = -1;
};

using Kind = FileOperation::Kind;

INSTANTIATE_TEST_SUITE_P(All, FileTest, ::testing::Values("io_uring", "epoll", "simulated"),
                         [](const auto& kind) { return kind.param; });

iovec part(void* data, std::size_t size) { return {.iov_base = data, .iov_len = size}; }

TEST_P(FileTest, WritesAndReadsBackThroughSeveralBuffers) {
  std::array<char, 5000> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(i * 7);
  const std::array gather{part(out.data(), 1000), part(out.data() + 1000, 4000)};
  for (const Kind kind : {Kind::write, Kind::write_dsync}) {
    EXPECT_EQ(transfer(kind, gather, 12345), 5000);
    std::array<char, 5000> in{};
    const std::array scatter{part(in.data(), 4999), part(in.data() + 4999, 1)};
    EXPECT_EQ(transfer(Kind::read, scatter, 12345), 5000);
    EXPECT_EQ(in, out);
  }
  struct stat status{};
  ASSERT_EQ(::fstat(fd_, &status), 0);
  EXPECT_EQ(status.st_size, 12345 + 5000);
}

TEST_P(FileTest, ShortReadsAreReportedAsSuch) {
  ASSERT_EQ(::pwrite(fd_, "abcdef", 6, 0), 6);
  std::array<char, 16> in{};
  const std::array buffers{part(in.data(), in.size())};
  EXPECT_EQ(transfer(Kind::read, buffers, 2), 4);
  EXPECT_EQ(std::string(in.data()), "cdef");
  EXPECT_EQ(transfer(Kind::read, buffers, 6), 0);
  EXPECT_EQ(transfer(Kind::read, buffers, 1'000'000), 0);
}

TEST_P(FileTest, ErrorsArriveAsNegativeErrno) {
  std::array<char, 16> data{};
  const std::array buffers{part(data.data(), data.size())};
  EXPECT_EQ(transfer(Kind::read, buffers, 0, -1), -EBADF);
  const int read_only = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(transfer(Kind::write, buffers, 0, read_only), -EBADF);
  ::close(read_only);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(transfer(Kind::write, buffers, 0, full), -ENOSPC);
  ::close(full);
  const int directory = ::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(transfer(Kind::read, buffers, 0, directory), -EISDIR);
  ::close(directory);
}

TEST_P(FileTest, OffsetsBeyondTheFileFormatAreRefused) {
  ASSERT_EQ(::pwrite(fd_, "abcdef", 6, 0), 6);
  std::array<char, 4> data{};
  const std::array buffers{part(data.data(), data.size())};
  // -1 would mean the current position.
  EXPECT_EQ(transfer(Kind::read, buffers, UINT64_MAX), -EINVAL);
  EXPECT_EQ(transfer(Kind::write, buffers, std::uint64_t{1} << 63), -EINVAL);
  const std::vector<iovec> too_many(IOV_MAX + 1, part(data.data(), 1));
  EXPECT_EQ(transfer(Kind::write, too_many, 0), -EINVAL);
}

TEST_P(FileTest, SyncsReturnTheirResult) {
  for (const Kind kind : {Kind::fsync, Kind::fdatasync}) {
    EXPECT_EQ(transfer(kind, {}, 0), 0);
    EXPECT_EQ(transfer(kind, {}, 0, -1), -EBADF);
  }
}

TEST_P(FileTest, AllocateReservesPunchesAndFails) {
  FileOperation operation;
  operation.kind = Kind::allocate;
  operation.fd = fd_;
  operation.length = 1 << 20;
  EXPECT_EQ(result_of(operation), 0);
  struct stat status{};
  ASSERT_EQ(::fstat(fd_, &status), 0);
  EXPECT_EQ(status.st_size, 1 << 20);
  EXPECT_GE(status.st_blocks * 512, 1 << 20);

  operation.reset();
  operation.mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  operation.offset = 65536;
  operation.length = 65536;
  EXPECT_EQ(result_of(operation), 0);
  const auto blocks_before = status.st_blocks;
  ASSERT_EQ(::fstat(fd_, &status), 0);
  EXPECT_LT(status.st_blocks, blocks_before);

  operation.reset();
  operation.length = 0;
  EXPECT_EQ(result_of(operation), -EINVAL);
}

// Success needs a block device: the stores' tests have one.
TEST_P(FileTest, DiscardOfWhatIsNoBlockDeviceFails) {
  FileOperation operation;
  operation.kind = Kind::discard;
  operation.fd = fd_;
  operation.length = 4096;
  EXPECT_EQ(result_of(operation), -ENOTTY);
  operation.reset();
  operation.offset = UINT64_MAX;
  EXPECT_EQ(result_of(operation), -EINVAL);
}

// More than the submission queue holds; each completes once.
TEST_P(FileTest, ManyAtOnce) {
  constexpr std::size_t count = 2000;
  struct Write : FileOperation {
    Write() : FileOperation([](Completion& self) { ++*static_cast<Write&>(self).completed; }) {}
    std::uint32_t value = 0;
    iovec buffer{};
    std::size_t* completed = nullptr;
  };
  std::size_t completed = 0;
  std::vector<std::unique_ptr<Write>> writes;
  for (std::size_t i = 0; i < count; ++i) {
    auto& write = *writes.emplace_back(std::make_unique<Write>());
    write.kind = Kind::write;
    write.fd = fd_;
    write.value = static_cast<std::uint32_t>(i);
    write.offset = i * sizeof(write.value);
    write.buffer = part(&write.value, sizeof(write.value));
    write.buffers = {&write.buffer, 1};
    write.completed = &completed;
    loop().submit(write);
  }
  ASSERT_TRUE(run_until([&] { return completed == count; }));
  std::vector<std::uint32_t> back(count);
  ASSERT_EQ(::pread(fd_, back.data(), count * 4, 0), static_cast<ssize_t>(count * 4));
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(writes[i]->result(), 4);
    EXPECT_EQ(back[i], i);
  }
}

}  // namespace
}  // namespace srpd::runtime::test
