// A tree mounted on this machine, in a mount namespace that ends with the test: whatever happens,
// no mount stays behind.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mount/mount.h"
#include "mount/point.h"
#include "unit/tree/shop.h"

namespace srpd::mount::test {

inline int error_of(long result) { return result < 0 ? errno : 0; }

/// An open file that ends with its scope.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    error_ = fd_ < 0 ? errno : 0;
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  int error() const { return error_; }
  std::string read(std::size_t size = 8192) const {
    std::string text(size, '\0');
    const ssize_t rc = ::read(fd_, text.data(), size);
    if (rc < 0) return strerrorname_np(errno);
    text.resize(static_cast<std::size_t>(rc));
    return text;
  }
  ssize_t write(std::string_view text) const { return ::write(fd_, text.data(), text.size()); }

 private:
  int fd_;
  int error_;
};

inline int open_error(const std::string& path, int flags) { return File(path, flags).error(); }
inline std::string read_file(const std::string& path) {
  const File file(path, O_RDONLY);
  return file.error() == 0 ? file.read() : strerrorname_np(file.error());
}
/// As a shell's echo does it; an errno or 0.
inline int write_file(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  return file.error() != 0 ? file.error() : error_of(file.write(text));
}
inline struct stat status_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(error_of(::lstat(path.c_str(), &status)), 0) << path;
  return status;
}
inline int status_error(const std::string& path) {
  struct stat status{};
  return error_of(::lstat(path.c_str(), &status));
}
inline int mkdir_error(const std::string& path) { return error_of(::mkdir(path.c_str(), 0755)); }
inline int rmdir_error(const std::string& path) { return error_of(::rmdir(path.c_str())); }
inline int unlink_error(const std::string& path) { return error_of(::unlink(path.c_str())); }
inline int symlink_error(const std::string& text, const std::string& path) {
  return error_of(::symlink(text.c_str(), path.c_str()));
}
inline std::vector<std::string> list(const std::string& path) {
  std::vector<std::string> names;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return {strerrorname_np(errno)};
  while (const dirent* entry = ::readdir(directory))
    if (std::string_view(entry->d_name) != "." && std::string_view(entry->d_name) != "..")
      names.emplace_back(entry->d_name);
  ::closedir(directory);
  return names;
}

class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto usable = check_fuse(); !usable) GTEST_SKIP() << usable.error().text();
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      GTEST_SKIP() << "a mount namespace needs root: " << errno_text(errno);
    std::string name = ::testing::TempDir() + "srpd-mount-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    base_ = std::filesystem::canonical(name).string();
    top_ = base_ + "/mnt";
    start();
  }
  void TearDown() override {
    mount_.reset();
    if (base_.empty()) return;
    while (::umount2(top_.c_str(), MNT_DETACH) == 0) continue;
    std::filesystem::remove_all(base_);
  }

  Options options() const {
    Options options;
    options.directory = top_;
    return options;
  }
  virtual void start() {
    auto mounted = Mount::start(world_.tree, options());
    ASSERT_TRUE(mounted) << mounted.error().text();
    mount_ = std::move(*mounted);
  }
  std::string at(const std::string& path) const { return top_ + "/" + path; }

  std::string base_;  ///< a directory of the test's own
  std::string top_;   ///< in it: where the tree is
  tree::test::World world_;
  std::unique_ptr<Mount> mount_;
};

}  // namespace srpd::mount::test
