// ALUA states in files: only where LIO's directories exist, whole or not at all.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "lio/access_states.h"
#include "support/lio_configured.h"
#include "support/lio_world.h"

namespace srpd::lio::test {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LioMetadata : public ::testing::Test {
 protected:
  LioMetadata() {
    fs::create_directories(root);
    world.make_ramdisk("rd_mcp_0", "r");
    world.write(device + "/wwn/vpd_unit_serial", "abc");
    for (const std::string& path : {std::string("srpt"), port, port + "/tpgt_1", lun})
      world.mkdir(path);
    world.symlink(lun + "/a", device);
    EXPECT_EQ(world.write("dbroot", root.string()), 0);
    EXPECT_EQ(world.write(group + "/alua_write_metadata", "1"), 0);
    EXPECT_EQ(world.write(lun + "/alua_tg_pt_write_md", "1"), 0);
  }
  ~LioMetadata() override { fs::remove_all(root); }

  const std::string port = "srpt/0x00000000000000000000000000000001";
  const std::string lun = port + "/tpgt_1/lun/lun_0";
  const std::string device = "core/rd_mcp_0/r";
  const std::string group = device + "/alua/default_tg_pt_gp";
  const fs::path root = fs::temp_directory_path() / ("lio_metadata_" + std::to_string(getpid()));
  World world;
};

TEST_F(LioMetadata, IsWrittenWhereTheDirectoriesAre) {
  const fs::path groups = root / "alua/tpgs_abc";
  const fs::path luns = root / "alua/srpt/0x00000000000000000000000000000001+1";
  fs::create_directories(groups);
  fs::create_directories(luns);
  EXPECT_EQ(world.write(group + "/alua_access_state", "1"), 0);
  EXPECT_EQ(contents(groups / "default_tg_pt_gp"),
            "tg_pt_gp_id=0\nalua_access_state=0x01\nalua_access_status=0x02\n");
  EXPECT_EQ(world.write(group + "/alua_access_state", "14"), 0);
  EXPECT_EQ(contents(groups / "default_tg_pt_gp"),
            "tg_pt_gp_id=0\nalua_access_state=0x0e\nalua_access_status=0x02\n");
  EXPECT_EQ(world.write(lun + "/alua_tg_pt_offline", "1"), 0);
  EXPECT_EQ(contents(luns / "lun_0"), "alua_tg_pt_offline=1\nalua_tg_pt_status=0x02\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(groups), fs::directory_iterator()), 1)
      << "no temporary file stays";
}

// The tree that comes back from the saved configuration has the states of then.
TEST_F(LioMetadata, IsReadWhenTheTargetComesBack) {
  const fs::path groups = root / "alua/tpgs_abc";
  const fs::path luns = root / "alua/srpt/0x00000000000000000000000000000001+1";
  fs::create_directories(groups);
  fs::create_directories(luns);
  restore_access_states(world.tree);
  EXPECT_EQ(world.text(group + "/alua_access_state"), "0\n") << "there is nothing yet";
  const auto write = [](const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
  };
  write(groups / "default_tg_pt_gp",
        "tg_pt_gp_id=0\nalua_access_state=0x02\nalua_access_status=0x01\n");
  write(luns / "lun_0", "alua_tg_pt_offline=1\nalua_tg_pt_status=0x01\n");
  world.engine.take_calls();
  restore_access_states(world.tree);
  EXPECT_EQ(world.text(group + "/alua_access_state"), "2\n");
  EXPECT_EQ(world.text(group + "/alua_access_status"), "Altered by Explicit STPG\n");
  EXPECT_EQ(world.text(lun + "/alua_tg_pt_offline"), "1\n");
  EXPECT_EQ(world.engine.take_calls().size(), 2u) << "and the target is told";
  for (const char* wrong :
       {"", "tg_pt_gp_id=0\n", "tg_pt_gp_id=1\nalua_access_state=0x00\nalua_access_status=0x00\n",
        "tg_pt_gp_id=0\nalua_access_state=0x0f\nalua_access_status=0x00\n",
        "tg_pt_gp_id=0\nalua_access_state=0x00\nalua_access_status=0x03\n",
        "tg_pt_gp_id=0\nalua_access_state=0x100\nalua_access_status=0x00\n"}) {
    write(groups / "default_tg_pt_gp", wrong);
    restore_access_states(world.tree);
    EXPECT_EQ(world.text(group + "/alua_access_state"), "2\n") << wrong;
  }
  EXPECT_EQ(world.write(group + "/alua_write_metadata", "0"), 0);
  EXPECT_TRUE(fs::is_empty(groups)) << "nor is what was saved";
  write(groups / "default_tg_pt_gp",
        "tg_pt_gp_id=0\nalua_access_state=0x00\nalua_access_status=0x01\n");
  restore_access_states(world.tree);
  EXPECT_EQ(world.text(group + "/alua_access_state"), "2\n") << "it is not to be saved";
  // No saved configuration says that a LUN is to be saved: that there is a file does.
  EXPECT_EQ(world.write(lun + "/alua_tg_pt_write_md", "0"), 0);
  EXPECT_TRUE(fs::is_empty(luns));
  EXPECT_EQ(world.write(lun + "/alua_tg_pt_offline", "0"), 0);
  write(luns / "lun_0", "alua_tg_pt_offline=1\nalua_tg_pt_status=0x02\n");
  restore_access_states(world.tree);
  EXPECT_EQ(world.text(lun + "/alua_tg_pt_offline"), "1\n");
  EXPECT_EQ(world.text(lun + "/alua_tg_pt_write_md"), "1\n");
  EXPECT_EQ(world.unlink(lun + "/a"), 0);
  EXPECT_TRUE(fs::is_empty(luns)) << "a LUN that goes is forgotten";
}

TEST(LioMetadataOfItsOwn, HasItsFoldersMade) {
  const fs::path root = fs::temp_directory_path() / ("lio_own_" + std::to_string(getpid()));
  Options options = measured(Profile::linux_6_1);
  options.own_dbroot = root.string();
  World world(options);
  world.make_ramdisk("rd_mcp_0", "r");
  world.write("core/rd_mcp_0/r/wwn/vpd_unit_serial", "abc");
  const std::string group = "core/rd_mcp_0/r/alua/default_tg_pt_gp";
  EXPECT_EQ(world.write(group + "/alua_write_metadata", "1"), 0);
  EXPECT_EQ(world.write(group + "/alua_access_state", "1"), 0);
  EXPECT_EQ(contents(root / "alua/tpgs_abc/default_tg_pt_gp"),
            "tg_pt_gp_id=0\nalua_access_state=0x01\nalua_access_status=0x02\n");
  fs::remove_all(root);
}

TEST_F(LioMetadata, IsNotWrittenElsewhere) {
  EXPECT_EQ(world.write(group + "/alua_access_state", "1"), 0);
  EXPECT_EQ(world.write(lun + "/alua_tg_pt_offline", "1"), 0);
  EXPECT_TRUE(fs::is_empty(root));
  const fs::path groups = root / "alua/tpgs_abc";
  fs::create_directories(groups);
  EXPECT_EQ(world.write(group + "/alua_write_metadata", "0"), 0);
  EXPECT_EQ(world.write(group + "/alua_access_state", "0"), 0);
  EXPECT_TRUE(fs::is_empty(groups));
}

}  // namespace
}  // namespace srpd::lio::test
