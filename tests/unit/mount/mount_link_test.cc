// What the text of a link means: it depends on who makes it, and from where.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <climits>
#include <string>

#include "unit/mount/mounted.h"

namespace srpd::mount::test {
namespace {

std::string link_text(const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  return size < 0 ? strerrorname_np(errno) : std::string(text.data(), static_cast<size_t>(size));
}

class MountLinkTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char* name : {"a", "b", "c"}) ASSERT_EQ(mkdir_error(at("shelf/") + name), 0);
  }
  void TearDown() override {
    ASSERT_EQ(::chdir("/"), 0);
    MountTest::TearDown();
  }
  /// Made, where it led to, and gone again; or the errno.
  std::string made(const std::string& text) {
    const std::string link = at("shelf/a/l");
    if (const int error = symlink_error(text, link)) return strerrorname_np(error);
    const std::string target = link_text(link);
    EXPECT_EQ(unlink_error(link), 0);
    return target;
  }
};

TEST_F(MountLinkTest, TheTextClimbsToTheRootAndDescends) {
  ASSERT_EQ(symlink_error(at("shelf/b"), at("shelf/a/l")), 0);
  EXPECT_EQ(link_text(at("shelf/a/l")), "../../shelf/b");
  EXPECT_EQ(status_of(at("shelf/a/l/label")).st_ino, status_of(at("shelf/b/label")).st_ino);
}

TEST_F(MountLinkTest, ARelativeTextIsRelativeToTheCaller) {
  ASSERT_EQ(::chdir(at("shelf").c_str()), 0);
  EXPECT_EQ(made("b"), "../../shelf/b");
  EXPECT_EQ(made("./c/left/.."), "../../shelf/c");
  ASSERT_EQ(::chdir(at("shelf/b/left").c_str()), 0);
  EXPECT_EQ(made(".."), "../../shelf/b");
  EXPECT_EQ(made("../../c"), "../../shelf/c");
  ASSERT_EQ(::chdir(base_.c_str()), 0);
  EXPECT_EQ(made("mnt/shelf/c"), "../../shelf/c");
  EXPECT_EQ(made("../b"), "../../shelf/b") << "leads nowhere from here: from the link's directory";
}

TEST_F(MountLinkTest, OtherThingsAreRefused) {
  EXPECT_EQ(made("/tmp"), "EPERM");
  EXPECT_EQ(made("/proc/self/status"), "ENOTDIR");
  EXPECT_EQ(made("/missing/thing"), "ENOENT");
  EXPECT_EQ(made(at("shelf/missing")), "ENOENT");
  EXPECT_EQ(made(at("shelf/b/label")), "ENOTDIR");
  EXPECT_EQ(made(at("shelf")), "EFAULT") << "the model's answer";
  ASSERT_EQ(symlink_error(at("shelf/b"), at("shelf/a/l")), 0);
  EXPECT_EQ(symlink_error(at("shelf/c"), at("shelf/a/l")), EEXIST);
}

TEST_F(MountLinkTest, ThroughOtherMountsAndLinks) {
  const std::string part = base_ + "/part", shortcut = base_ + "/shortcut";
  ASSERT_EQ(mkdir_error(part), 0);
  ASSERT_EQ(error_of(::mount(at("shelf").c_str(), part.c_str(), nullptr, MS_BIND, nullptr)), 0);
  ASSERT_EQ(symlink_error(at("shelf"), shortcut), 0);
  EXPECT_EQ(made(part + "/b"), "../../shelf/b");
  EXPECT_EQ(made(shortcut + "/c"), "../../shelf/c");
  ASSERT_EQ(::chdir((part + "/b").c_str()), 0);
  EXPECT_EQ(made("../c"), "../../shelf/c");
  ASSERT_EQ(::chdir("/"), 0);
  ASSERT_EQ(::umount2(part.c_str(), MNT_DETACH), 0);
}

TEST_F(MountLinkTest, InTheCallersNamespace) {
  const std::string elsewhere = base_ + "/elsewhere", link = at("shelf/a/l");
  ASSERT_EQ(mkdir_error(elsewhere), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // Only this process has the tree at that place.
    if (::unshare(CLONE_NEWNS) != 0) ::_exit(100);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(101);
    if (::mount(top_.c_str(), elsewhere.c_str(), nullptr, MS_BIND, nullptr) != 0) ::_exit(102);
    if (::chdir((elsewhere + "/shelf").c_str()) != 0) ::_exit(103);
    if (::symlink((elsewhere + "/shelf/b").c_str(), "a/l") != 0) ::_exit(errno);
    if (::unlink("a/l") != 0) ::_exit(104);
    ::_exit(error_of(::symlink("b", "a/l")));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(link_text(link), "../../shelf/b");
}

TEST_F(MountLinkTest, InAChangedRoot) {
  const std::string root = base_ + "/root";
  ASSERT_EQ(mkdir_error(root), 0);
  ASSERT_EQ(mkdir_error(root + "/cfg"), 0);
  ASSERT_EQ(error_of(::mount(top_.c_str(), (root + "/cfg").c_str(), nullptr, MS_BIND, nullptr)), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chroot(root.c_str()) != 0 || ::chdir("/cfg/shelf/c") != 0) ::_exit(100);
    if (::symlink("/cfg/shelf/b", "/cfg/shelf/a/l") != 0) ::_exit(errno);
    ::_exit(error_of(::symlink("../b", "l")));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(link_text(at("shelf/a/l")), "../../shelf/b");
  EXPECT_EQ(link_text(at("shelf/c/l")), "../../shelf/b");
  ASSERT_EQ(::umount2((root + "/cfg").c_str(), MNT_DETACH), 0);
}

TEST_F(MountLinkTest, KnowsItsOwnPaths) {
  const std::string shortcut = base_ + "/shortcut";
  ASSERT_EQ(symlink_error(at("shelf"), shortcut), 0);
  const auto before = mount_->requests();
  EXPECT_TRUE(mount_->contains(top_));
  EXPECT_TRUE(mount_->contains(at("shelf/a/label")));
  EXPECT_TRUE(mount_->contains(shortcut + "/new"));
  EXPECT_FALSE(mount_->contains(base_));
  EXPECT_FALSE(mount_->contains(base_ + "/other"));
  EXPECT_EQ(mount_->requests(), before) << "it must not ask itself";
}

}  // namespace
}  // namespace srpd::mount::test
