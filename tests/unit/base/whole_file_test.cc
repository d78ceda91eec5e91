#include "base/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace srpd {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WholeFileTest : public ::testing::Test {
 protected:
  WholeFileTest() { fs::create_directories(directory); }
  ~WholeFileTest() override { fs::remove_all(directory); }

  const fs::path directory = fs::temp_directory_path() / ("whole_file_" + std::to_string(getpid()));
  const std::string path = directory / "small";
};

TEST_F(WholeFileTest, IsPrivateAndReplaced) {
  for (const std::string& text : {std::string("one"), std::string(100'000, 'x'), std::string()}) {
    const auto replaced = replace_file(path, text);
    ASSERT_TRUE(replaced) << replaced.error().text();
    EXPECT_EQ(read_file(path, 1 << 20), text);
    EXPECT_FALSE(fs::exists(path + ".new"));
  }
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

// Where somebody else may write, too, its temporary name can be anything.
TEST_F(WholeFileTest, WritesToNothingThatIsThere) {
  const std::string other = directory / "other";
  ASSERT_TRUE(replace_file(other, "precious"));
  fs::create_symlink(other, path + ".new");
  ASSERT_TRUE(replace_file(path, "text"));
  EXPECT_EQ(read_file(other, 100), std::string("precious"));
  EXPECT_EQ(read_file(path, 100), std::string("text"));
  EXPECT_FALSE(fs::is_symlink(path));
}

TEST_F(WholeFileTest, StaysAsItIsWhenWhatComesBeforeFails) {
  ASSERT_TRUE(replace_file(path, "old"));
  const auto replaced = replace_file(path, "new", [&]() -> Expected<void> {
    EXPECT_EQ(read_file(path, 100), std::string("old"));
    return failure("it", "does not want to");
  });
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().text(), "it: does not want to");
  EXPECT_EQ(read_file(path, 100), std::string("old"));
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(WholeFileTest, NamesWhatCannotBeDone) {
  const auto unwritten = replace_file(directory / "missing/small", "x");
  ASSERT_FALSE(unwritten);
  EXPECT_EQ(unwritten.error().number, ENOENT);
  EXPECT_THAT(unwritten.error().object, HasSubstr("missing/small.new"));
  fs::create_directories(path);
  const auto unreplaced = replace_file(path, "x");
  ASSERT_FALSE(unreplaced);
  EXPECT_THAT(unreplaced.error().text(), HasSubstr("it cannot be replaced"));
  EXPECT_FALSE(fs::exists(path + ".new"));
  EXPECT_EQ(read_file(path, 100).error().number, EISDIR);
  EXPECT_EQ(read_file(directory / "nothing", 100).error().number, ENOENT);
}

TEST_F(WholeFileTest, IsNotReadWhenItIsTooLarge) {
  ASSERT_TRUE(replace_file(path, std::string(1000, 'x')));
  EXPECT_TRUE(read_file(path, 1000));
  EXPECT_EQ(read_file(path, 999).error().number, EFBIG);
}

}  // namespace
}  // namespace srpd
