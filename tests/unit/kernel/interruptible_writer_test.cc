#include "kernel/interruptible_writer.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

namespace srpd::kernel {
namespace {

class WriterTest : public testing::Test {
 protected:
  WriterTest() {
    std::string pattern = testing::TempDir() + "srpd-writer-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~WriterTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  InterruptibleWriter writer_;
};

TEST_F(WriterTest, Writes) {
  const std::string path = folder_ + "/file";
  std::ofstream(path).close();
  EXPECT_EQ(writer_.write(path, "text"), 0);
  std::string text;
  std::ifstream(path) >> text;
  EXPECT_EQ(text, "text");
  EXPECT_EQ(writer_.write(folder_ + "/none", "text"), -ENOENT);
}

// A pipe that nobody reads blocks like a host that does not answer.
TEST_F(WriterTest, LetsGoWhenInterrupted) {
  const std::string path = folder_ + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::atomic<bool> over{false};
  int result = 0;
  std::thread worker([&] {
    result = writer_.write(path, "text");
    over = true;
  });
  while (!over) {
    writer_.interrupt();
    std::this_thread::yield();
  }
  worker.join();
  EXPECT_EQ(result, -EINTR);
  writer_.interrupt();  // nothing is being written
}

}  // namespace
}  // namespace srpd::kernel
