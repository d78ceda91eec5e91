#include "control/saved_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace srpd::control {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SavedFileTest : public ::testing::Test {
 protected:
  SavedFileTest() { fs::create_directories(directory); }
  ~SavedFileTest() override { fs::remove_all(directory); }

  const fs::path directory = fs::temp_directory_path() / ("saved_file_" + std::to_string(getpid()));
  const std::string path = directory / "saveconfig.json";
};

TEST_F(SavedFileTest, IsPrivateAndWhole) {
  SavedFile file(path);
  EXPECT_FALSE(file.read());
  ASSERT_TRUE(file.write("one"));
  EXPECT_EQ(*file.read(), "one");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(SavedFileTest, KeepsOlderVersions) {
  SavedFile file(path, 3);
  for (const char* text : {"1", "2", "2", "3", "4", "5", "6"}) ASSERT_TRUE(file.write(text));
  const auto versions = file.versions();
  ASSERT_THAT(versions, SizeIs(3));
  EXPECT_EQ(contents(versions[0]), "5");
  EXPECT_EQ(contents(versions[1]), "4");
  EXPECT_EQ(contents(versions[2]), "3");
  EXPECT_EQ(*file.read(), "6");
}

TEST_F(SavedFileTest, SurvivesWhatAnotherRunLeft) {
  std::ofstream(path + ".new") << "half of i";
  SavedFile file(path);
  ASSERT_TRUE(file.write("whole"));
  EXPECT_EQ(*file.read(), "whole");
}

TEST_F(SavedFileTest, IsTheOldOneWhenTheDiskIsFull) {
  SavedFile file(path);
  ASSERT_TRUE(file.write("old"));
  // A limit on the size of files fails a write as a full disk does.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = file.write(std::string(10000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().text(), HasSubstr("as it was before"));
  EXPECT_EQ(*file.read(), "old");
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(SavedFileTest, NamesWhatCannotBeWritten) {
  SavedFile file(directory / "missing/saveconfig.json");
  const auto written = file.write("x");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().text(), HasSubstr("missing/saveconfig.json.new"));
}

}  // namespace
}  // namespace srpd::control
