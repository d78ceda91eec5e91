// The tree saved and restored, against the file that rtslib wrote of the same configuration on the
// kernel.
#include "control/tree_save.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "control/tree_restore.h"
#include "lio/access_states.h"
#include "support/directory.h"
#include "support/lio_configured.h"
#include "support/lio_world.h"

namespace srpd::control {
namespace {

using lio::test::World;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string kernels_file() {
  std::ifstream in(std::string(SRPD_TEST_DATA) + "/saveconfig_lio.json");
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The machine of the fake engine has one SCSI disk.
std::optional<std::string> where(const std::string& path) {
  return path == "/dev/sda" ? std::optional<std::string>("0:0:0:0") : std::nullopt;
}

std::string texts(const Problems& problems) {
  std::string out;
  for (const Error& problem : problems) out += problem.text() + "\n";
  return out;
}

TEST(TreeSave, WritesWhatRtslibWrites) {
  World world;
  ASSERT_EQ(make_dumped_configuration(world), 0);
  const SavedTree saved = save_tree(world.tree);
  EXPECT_EQ(texts(saved.problems), "");
  EXPECT_EQ(saved.text, kernels_file());
}

TEST(TreeSave, AnEmptyTreeIsAnEmptyConfiguration) {
  World world;
  EXPECT_EQ(save_tree(world.tree).text,
            "{\n  \"fabric_modules\": [],\n  \"storage_objects\": [],\n  \"targets\": []\n}\n");
}

TEST(TreeSave, LeavesOutWhatIsNotWhole) {
  World world;
  world.make_ramdisk("rd_mcp_0", "good");
  world.make_ramdisk("rd_mcp_1",
                     "b\xff"
                     "d");
  world.mkdir("core/rd_mcp_2");
  world.mkdir("core/rd_mcp_2/raw");
  const std::string port = "srpt/0x00000000000000000000000000000001";
  for (const std::string& path :
       {std::string("srpt"), port, port + "/other", port + "/tpgt_1", port + "/tpgt_1/lun/lun_0",
        port + "/tpgt_1/acls/10.9.0.1", port + "/tpgt_1/acls/10.9.0.1/lun_0"})
    ASSERT_EQ(world.mkdir(path), 0) << path;
  const SavedTree saved = save_tree(world.tree);
  EXPECT_THAT(saved.problems, SizeIs(5)) << texts(saved.problems);
  EXPECT_THAT(saved.text, HasSubstr("\"name\": \"good\""));
  World again;
  EXPECT_THAT(*restore_tree(again.tree, saved.text), IsEmpty());
  EXPECT_EQ(save_tree(again.tree).text, saved.text);
}

TEST(TreeRestore, GivesTheSameFileAgain) {
  World world;
  const auto problems = restore_tree(world.tree, kernels_file(), where);
  ASSERT_TRUE(problems);
  EXPECT_EQ(texts(*problems), "");
  EXPECT_EQ(save_tree(world.tree).text, kernels_file());
  EXPECT_EQ(world.text(std::string(lio::test::dumped_port) + "/tpgt_1/enable"), "1\n");
  EXPECT_EQ(world.text("core/rd_mcp_0/ram0/alua/gp1/members"),
            std::string(lio::test::dumped_port) + "/tpgt_1/lun_0\n");
}

TEST(TreeRestore, KeepsNamesOfAnyKind) {
  World world;
  world.make_ramdisk("rd_mcp_0", "a b");
  world.make_ramdisk("rd_mcp_1", "\xc3\xa9\xe2\x82\xac \"quoted\"\\");
  world.mkdir("srpt");
  const std::string tpg = "srpt/0002:c903:00a0:b0c1/tpgt_1";
  world.mkdir("srpt/0002:c903:00a0:b0c1");
  world.mkdir(tpg);
  world.mkdir(tpg + "/lun/lun_0");
  ASSERT_EQ(world.symlink(tpg + "/lun/lun_0/n n", "core/rd_mcp_0/a b"), 0);
  ASSERT_EQ(world.mkdir(tpg + "/acls/fe80::1"), 0);
  const std::string text = save_tree(world.tree).text;
  EXPECT_THAT(text, HasSubstr("\"name\": \"\\u00e9\\u20ac \\\"quoted\\\"\\\\\""));
  World again;
  EXPECT_EQ(texts(*restore_tree(again.tree, text)), "");
  EXPECT_EQ(save_tree(again.tree).text, text);
}

// A host has set a state after the configuration was saved, and srpd was killed.
TEST(TreeRestore, LeavesTheStatesThatWereSavedSince) {
  const test::Directory root;
  lio::Options options = lio::test::measured(lio::Profile::linux_6_1);
  options.own_dbroot = root.path();
  const std::string group = "core/rd_mcp_0/r/alua/default_tg_pt_gp";
  std::string text;
  {
    World world(options);
    world.make_ramdisk("rd_mcp_0", "r");
    ASSERT_EQ(world.write("core/rd_mcp_0/r/wwn/vpd_unit_serial", "abc"), 0);
    ASSERT_EQ(world.write(group + "/alua_write_metadata", "1"), 0);
    ASSERT_EQ(world.write(group + "/alua_access_state", "1"), 0);
    text = save_tree(world.tree).text;
    ASSERT_EQ(world.write(group + "/alua_access_state", "2"), 0);
  }
  World again(options);
  EXPECT_EQ(texts(*restore_tree(again.tree, text)), "");
  EXPECT_EQ(again.text(group + "/alua_access_state"), "1\n");
  lio::restore_access_states(again.tree);
  EXPECT_EQ(again.text(group + "/alua_access_state"), "2\n");
}

TEST(TreeRestore, GoesOnAfterWhatCannotBeMade) {
  World world;
  world.engine.fail_next("open_device", ENOMEM);
  const auto problems = restore_tree(world.tree, kernels_file(), where);
  ASSERT_TRUE(problems);
  EXPECT_THAT(texts(*problems), HasSubstr("core/rd_mcp_0/ram0/enable: as planned"));
  EXPECT_EQ(world.text("core/rd_mcp_0/ram0/enable"), "0\n") << "it can be enabled later";
  EXPECT_EQ(world.text("core/user_7/usr0/enable"), "1\n");
}

TEST(TreeRestore, AFileCutAnywhereIsRefused) {
  World small;
  small.make_ramdisk("rd_mcp_0", "r");
  small.mkdir("srpt");
  small.mkdir(lio::test::dumped_port);
  const std::string whole = save_tree(small.tree).text;
  World world;
  // The last byte is a newline, without which the text is complete.
  for (std::size_t length = 0; length + 2 <= whole.size(); ++length)
    ASSERT_FALSE(restore_tree(world.tree, std::string_view(whole).substr(0, length))) << length;
  EXPECT_EQ(save_tree(world.tree).text, save_tree(World().tree).text) << "nothing was made";
}

TEST(TreeRestore, FindsScsiDevicesByAddress) {
  EXPECT_EQ(scsi_address("1:0:2:3"), "1:0:2:3");
  for (const char* none :
       {"/nonexistent", "/dev/null", "1:2:3", "1:2:3:4:5", "1:2:3:x", "-1:0:0:0"})
    EXPECT_EQ(scsi_address(none), std::nullopt) << none;
}

TEST(TreeRestore, WrongTypesAreReported) {
  for (const char* text :
       {R"({"storage_objects":[{"name":1,"plugin":"ramdisk"}]})",
        R"({"storage_objects":[{"name":"a","plugin":"tape"}]})",
        R"({"storage_objects":[{"name":"a/b","plugin":"ramdisk","size":4096}]})",
        R"({"storage_objects":[{"name":"a","plugin":"ramdisk","size":-1}]})",
        R"({"storage_objects":[{"name":"a","plugin":"ramdisk","size":4096,"attributes":7}]})",
        R"({"storage_objects":[{"name":"a","plugin":"fileio","dev":"/tmp/a,b"}]})",
        R"({"storage_objects":[{"name":"a","plugin":"ramdisk","size":4096,"attributes":{"x":1}}]})",
        R"({"storage_objects":"all"})", R"({"targets":[{"wwn":"ib.1","fabric":"srpt"}]})",
        R"({"targets":[{"wwn":"iqn.x","fabric":"iscsi"}]})"}) {
    World world;
    const auto problems = restore_tree(world.tree, text);
    ASSERT_TRUE(problems) << text;
    EXPECT_FALSE(problems->empty()) << text;
  }
  World world;
  EXPECT_FALSE(restore_tree(world.tree, "[]"));
}

}  // namespace
}  // namespace srpd::control
