#include "mount/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace srpd::mount {
namespace {

TEST(MountTable, ReadsWhatProcWrites) {
  const auto table = parse_mount_table(
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "40 22 0:50 /target /sys/kernel/config/target rw,nosuid - fuse.configfs configfs rw,x\n");
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table[0].device, (Device{254, 0}));
  EXPECT_EQ(table[0].point, "/");
  EXPECT_EQ(table[0].type, "ext4");
  EXPECT_EQ(table[0].source, "/dev/vda");
  EXPECT_EQ(table[1].device, (Device{0, 50}));
  EXPECT_EQ(table[1].root, "/target");
  EXPECT_EQ(table[1].point, "/sys/kernel/config/target");
  EXPECT_EQ(table[1].type, "fuse.configfs");
}

TEST(MountTable, UndoesWhatIsEscaped) {
  const auto table = parse_mount_table(
      "1 2 0:1 / /a\\040b\\011c\\134d\\\\9 rw shared:1 master:2 - tmpfs a\\040tmpfs rw\n");
  ASSERT_EQ(table.size(), 1U);
  EXPECT_EQ(table[0].point, "/a b\tc\\d\\\\9");
  EXPECT_EQ(table[0].source, "a tmpfs");
}

TEST(MountTable, LeavesOutWhatIsCutOrStrange) {
  const std::string good = "22 1 254:0 / /good rw - ext4 /dev/vda rw";
  for (std::size_t size = 0; size < good.find(" /dev"); ++size) {
    const auto table = parse_mount_table(good.substr(0, size) + "\n" + good);
    EXPECT_THAT(table.size(), ::testing::AnyOf(1, 2)) << size;
    EXPECT_EQ(table.back().point, "/good") << size;
  }
  EXPECT_TRUE(
      parse_mount_table("22 1 254 / / rw - ext4 a rw\n22 1 x:0 / / rw - e a rw\n\n").empty());
}

TEST(MountTable, TheLaterMountIsSeen) {
  const auto table =
      parse_mount_table("1 1 0:1 / /a rw - tmpfs below rw\n2 1 0:2 / /a rw - tmpfs above rw\n");
  ASSERT_NE(find_mounted(table, "/a"), nullptr);
  EXPECT_EQ(find_mounted(table, "/a")->source, "above");
  EXPECT_EQ(find_mounted(table, "/a/b"), nullptr);
}

TEST(MountTable, ShowsThisMachine) {
  const auto table = mount_table();
  EXPECT_NE(find_mounted(table, "/proc"), nullptr);
  EXPECT_TRUE(mount_table(-1).empty());
}

}  // namespace
}  // namespace srpd::mount
