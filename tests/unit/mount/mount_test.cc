// What system calls answer: configfs as the kernel has it.
#include "mount/mount.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <string>

#include "mount/mount_table.h"
#include "unit/mount/mounted.h"

namespace srpd::mount::test {
namespace {

using ::testing::ElementsAre;

TEST_F(MountTest, LooksLikeConfigfs) {
  const auto table = mount_table();
  const Mounted* const mounted = find_mounted(table, top_);
  ASSERT_NE(mounted, nullptr);
  EXPECT_EQ(mounted->type, "fuse.configfs");
  EXPECT_EQ(mounted->source, "configfs");
  struct statvfs status{};
  EXPECT_EQ(::statvfs(top_.c_str(), &status), 0);
  EXPECT_EQ(status.f_namemax, 255U);
  EXPECT_EQ(status.f_bsize, 4096U);
}

TEST_F(MountTest, ModesSizesAndLinkCounts) {
  ASSERT_EQ(mkdir_error(at("shelf/a")), 0);
  ASSERT_EQ(mkdir_error(at("shelf/b")), 0);
  ASSERT_EQ(symlink_error(at("shelf/b"), at("shelf/a/l")), 0);
  EXPECT_EQ(status_of(at("shelf")).st_mode, S_IFDIR | 0755U);
  EXPECT_EQ(status_of(at("shelf")).st_nlink, 4U);
  EXPECT_EQ(status_of(at("shelf")).st_size, 0);
  EXPECT_EQ(status_of(at("shelf/a")).st_nlink, 4U) << "the default groups";
  EXPECT_EQ(status_of(at("shelf/a/l")).st_mode, S_IFLNK | 0777U);
  EXPECT_EQ(status_of(at("shelf/a/l")).st_size, 0);
  EXPECT_EQ(status_of(at("shelf/a/label")).st_mode, S_IFREG | 0644U);
  EXPECT_EQ(status_of(at("shelf/a/weight")).st_mode, S_IFREG | 0444U);
  EXPECT_EQ(status_of(at("shelf/a/note")).st_mode, S_IFREG | 0200U);
  EXPECT_EQ(status_of(at("shelf/a/label")).st_size, 4096);
  ASSERT_EQ(rmdir_error(at("shelf/b")), EBUSY);
  ASSERT_EQ(unlink_error(at("shelf/a/l")), 0);
  ASSERT_EQ(rmdir_error(at("shelf/b")), 0);
  EXPECT_EQ(status_of(at("shelf")).st_nlink, 3U);
}

TEST_F(MountTest, ListsDirectoriesNewestFirstThenAttributes) {
  for (const char* name : {"one", "two", "three"}) mkdir_error(at("shelf/") + name);
  EXPECT_THAT(list(at("shelf")), ElementsAre("three", "two", "one"));
  EXPECT_THAT(list(at("shelf/two")), ElementsAre("right", "left", "label", "weight", "note"));
}

TEST_F(MountTest, ListsMoreThanOneAnswerHolds) {
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(mkdir_error(at("shelf/box") + std::to_string(i)), 0);
  const auto names = list(at("shelf"));
  ASSERT_EQ(names.size(), 3000U);
  for (std::size_t i = 0; i < names.size(); ++i)
    ASSERT_EQ(names[i], "box" + std::to_string(2999 - i));
}

TEST_F(MountTest, OneWriteIsOneStore) {
  mkdir_error(at("shelf/a"));
  const std::string label = at("shelf/a/label");
  EXPECT_EQ(write_file(label, "first"), 0);
  EXPECT_EQ(read_file(label), "first\n");
  {
    const File file(label, O_RDWR | O_APPEND);
    EXPECT_EQ(file.write("appended"), 8);
    EXPECT_EQ(file.write("again"), 5);
  }
  EXPECT_EQ(read_file(label), "again\n");
  {
    const File file(label, O_RDWR);
    EXPECT_EQ(::pwrite(file.fd(), "there", 5, 1000), 5) << "the offset does not matter";
    EXPECT_EQ(file.read(), "there\n");
  }
  EXPECT_EQ(write_file(label, "bad"), EINVAL) << "the store's answer";
  EXPECT_EQ(read_file(label), "there\n");
  EXPECT_EQ(status_of(label).st_size, 4096);
}

TEST_F(MountTest, ALongWriteIsCut) {
  mkdir_error(at("shelf/a"));
  const File file(at("shelf/a/label"), O_WRONLY);
  EXPECT_EQ(file.write(std::string(4095, 'x')), 4095);
  EXPECT_EQ(file.write(std::string(4096, 'y')), 4095);
  EXPECT_EQ(world_.read("shelf/a/label"), std::string(4095, 'y') + "\n");
  EXPECT_EQ(file.write(std::string(1 << 20, 'z')), 4095);
}

TEST_F(MountTest, AnOpenFileKeepsItsText) {
  mkdir_error(at("shelf/a"));
  const std::string label = at("shelf/a/label");
  const File kept(label, O_RDWR);
  EXPECT_EQ(kept.read(2), "no");
  EXPECT_EQ(write_file(label, "other"), 0);
  EXPECT_EQ(kept.read(), "ne\n");
  EXPECT_EQ(kept.read(), "");
  EXPECT_EQ(::lseek(kept.fd(), 0, SEEK_SET), 0);
  EXPECT_EQ(kept.read(), "none\n") << "also from the start";
  EXPECT_EQ(kept.write("mine"), 4);
  EXPECT_EQ(::lseek(kept.fd(), 0, SEEK_SET), 0);
  EXPECT_EQ(kept.read(), "mine\n") << "a write through the same file makes it fresh";
  EXPECT_EQ(read_file(label), "mine\n");
}

TEST_F(MountTest, EvenRootNeedsShowAndStore) {
  mkdir_error(at("shelf/a"));
  EXPECT_EQ(open_error(at("shelf/a/note"), O_RDONLY), EACCES);
  EXPECT_EQ(open_error(at("shelf/a/note"), O_RDWR), EACCES);
  EXPECT_EQ(open_error(at("shelf/a/note"), O_WRONLY), 0);
  EXPECT_EQ(open_error(at("shelf/a/weight"), O_WRONLY), EACCES);
  EXPECT_EQ(open_error(at("shelf/a/weight"), O_WRONLY | O_TRUNC), EACCES);
  EXPECT_EQ(open_error(at("shelf/a/weight"), O_RDONLY), 0);
  EXPECT_EQ(open_error(at("shelf/a/label"), O_RDONLY | O_DIRECT), EINVAL);
}

TEST_F(MountTest, RefusesWhatConfigfsRefuses) {
  mkdir_error(at("shelf/a"));
  const std::string label = at("shelf/a/label");
  EXPECT_EQ(open_error(at("shelf/a/new"), O_WRONLY | O_CREAT), EACCES);
  EXPECT_EQ(error_of(::mknod(at("shelf/a/fifo").c_str(), S_IFIFO | 0600, 0)), EPERM);
  EXPECT_EQ(error_of(::rename(label.c_str(), at("shelf/a/other").c_str())), EPERM);
  EXPECT_EQ(error_of(::rename(at("shelf/a").c_str(), at("shelf/b").c_str())), EPERM);
  EXPECT_EQ(error_of(::link(label.c_str(), at("shelf/a/other").c_str())), EPERM);
  EXPECT_EQ(unlink_error(label), EPERM);
  EXPECT_EQ(mkdir_error(at("elsewhere")), EPERM);
  EXPECT_EQ(mkdir_error(at("shelf/a/inside")), EPERM);
  EXPECT_EQ(symlink_error(at("shelf/a"), at("shelf/link")), EPERM);
  EXPECT_EQ(rmdir_error(at("shelf")), EPERM);
  EXPECT_EQ(rmdir_error(at("shelf/a/left")), EPERM);
  EXPECT_EQ(rmdir_error(label), ENOTDIR);
  EXPECT_EQ(unlink_error(at("shelf/a")), EISDIR);
  EXPECT_EQ(mkdir_error(at("shelf/a")), EEXIST);
  EXPECT_EQ(mkdir_error(at("shelf/forbidden")), ENOSYS) << "the model's answer";
  EXPECT_EQ(status_error(at("shelf/missing")), ENOENT);
  const File file(label, O_RDWR);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.fd(), 0), MAP_FAILED);
  EXPECT_EQ(errno, ENODEV);
}

TEST_F(MountTest, TruncationAndTimesAreAgreedTo) {
  mkdir_error(at("shelf/a"));
  const std::string label = at("shelf/a/label");
  write_file(label, "kept");
  EXPECT_EQ(error_of(::truncate(label.c_str(), 0)), 0);
  EXPECT_EQ(error_of(::truncate(label.c_str(), 100)), 0);
  const timespec times[2] = {{1, 0}, {2, 0}};
  EXPECT_EQ(error_of(::utimensat(AT_FDCWD, label.c_str(), times, 0)), 0);
  EXPECT_EQ(status_of(label).st_size, 4096);
  EXPECT_EQ(read_file(label), "kept\n");
  const File file(label, O_RDWR);
  EXPECT_EQ(error_of(::ftruncate(file.fd(), 0)), 0);
  EXPECT_EQ(file.read(), "kept\n");
}

TEST_F(MountTest, ModeAndOwnerStick) {
  mkdir_error(at("shelf/a"));
  EXPECT_EQ(error_of(::chmod(at("shelf/a/label").c_str(), 0600)), 0);
  EXPECT_EQ(error_of(::chown(at("shelf/a").c_str(), 12, 34)), 0);
  EXPECT_EQ(status_of(at("shelf/a/label")).st_mode, S_IFREG | 0600U);
  EXPECT_EQ(status_of(at("shelf/a")).st_uid, 12U);
  EXPECT_EQ(status_of(at("shelf/a")).st_gid, 34U);
  EXPECT_EQ(world_.tree.status(world_.id("shelf/a")).value().uid, 12U);
}

TEST_F(MountTest, HasNothingToWriteBack) {
  const File file(at("shelf"), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(error_of(::fsync(file.fd())), EINVAL);
  mkdir_error(at("shelf/a"));
  const File label(at("shelf/a/label"), O_RDWR);
  EXPECT_EQ(error_of(::fsync(label.fd())), EINVAL);
  EXPECT_EQ(error_of(::fdatasync(label.fd())), EINVAL);
}

TEST_F(MountTest, HasNoExtendedAttributes) {
  const std::string shelf = at("shelf");
  char text[8];
  EXPECT_EQ(error_of(::setxattr(shelf.c_str(), "user.x", "1", 1, 0)), ENOTSUP);
  EXPECT_EQ(error_of(::getxattr(shelf.c_str(), "user.x", text, sizeof text)), ENOTSUP);
  EXPECT_EQ(error_of(::removexattr(shelf.c_str(), "user.x")), ENOTSUP);
  EXPECT_EQ(::listxattr(shelf.c_str(), nullptr, 0), 0);
  EXPECT_EQ(::listxattr(shelf.c_str(), text, sizeof text), 0);
}

TEST_F(MountTest, WhatIsRemovedAnswersEnoent) {
  mkdir_error(at("shelf/a"));
  const auto number = status_of(at("shelf/a")).st_ino;
  const File unread(at("shelf/a/label"), O_RDWR);
  const File group(at("shelf/a/left"), O_RDONLY | O_DIRECTORY);
  const File box(at("shelf/a"), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(rmdir_error(at("shelf/a")), 0);
  ASSERT_EQ(mkdir_error(at("shelf/a")), 0);
  EXPECT_NE(status_of(at("shelf/a")).st_ino, number);
  EXPECT_EQ(unread.read(), "ENOENT");
  EXPECT_EQ(error_of(unread.write("x")), ENOENT);
  EXPECT_EQ(error_of(::openat(box.fd(), "label", O_RDONLY)), ENOENT);
  EXPECT_EQ(error_of(::openat(box.fd(), "left", O_RDONLY)), ENOENT);
  char entries[1024];
  EXPECT_EQ(error_of(::getdents64(group.fd(), entries, sizeof entries)), ENOENT);
  EXPECT_EQ(error_of(::getdents64(box.fd(), entries, sizeof entries)), ENOENT);
}

TEST_F(MountTest, RemovalChecksInTheKernelsOrder) {
  mkdir_error(at("shelf/a"));
  mkdir_error(at("shelf/b"));
  ASSERT_EQ(symlink_error(at("shelf/b"), at("shelf/a/l")), 0);
  ASSERT_EQ(symlink_error(at("shelf/a"), at("shelf/b/l")), 0);
  EXPECT_EQ(rmdir_error(at("shelf/a")), EBUSY);
  ASSERT_EQ(unlink_error(at("shelf/b/l")), 0);
  EXPECT_EQ(rmdir_error(at("shelf/a")), ENOTEMPTY);
  EXPECT_EQ(read_file(at("shelf/b/label")), "unlinked\n");
}

TEST_F(MountTest, NamesCanBeStrange) {
  const std::string longest(255, 'n');
  for (const std::string& name : {std::string("with a blank"), std::string("\xc3\xa4\xe2\x82\xac"),
                                  std::string("new\nline"), std::string("\xff\xfe"), longest}) {
    EXPECT_EQ(mkdir_error(at("shelf/") + name), 0) << name;
    EXPECT_EQ(read_file(at("shelf/") + name + "/weight"), "5\n");
    EXPECT_EQ(list(at("shelf")).front(), name);
  }
  EXPECT_EQ(mkdir_error(at("shelf/") + longest + "n"), ENAMETOOLONG);
  EXPECT_EQ(status_error(at("shelf/") + longest + "n"), ENAMETOOLONG);
}

}  // namespace
}  // namespace srpd::mount::test
