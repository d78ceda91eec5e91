// ALUA states in files: only where LIO's directories exist, whole or not at all.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

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
