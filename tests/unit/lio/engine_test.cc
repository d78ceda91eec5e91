// What the running target is told when the tree changes, and that a refusal leaves the tree as it
// was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lio/access_states.h"
#include "support/lio_configured.h"
#include "support/lio_world.h"
#include "unit/lio/vectors.h"

namespace srpd::lio::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string port = "srpt/0x00000000000000000000000000000001";
const std::string tpg = port + "/tpgt_1";
const std::string lun0 = tpg + "/lun/lun_0";
const std::string acl = tpg + "/acls/10.9.0.1";
const std::string device = "core/rd_mcp_0/r";

/// One LUN, shown to one initiator as its LUN 5.
void make_all(World& world) {
  world.make_ramdisk("rd_mcp_0", "r");
  for (const std::string& path : {std::string("srpt"), port, tpg, lun0, acl, acl + "/lun_5"})
    ASSERT_EQ(world.mkdir(path), 0) << path;
  ASSERT_EQ(world.symlink(lun0 + "/a", device), 0);
  ASSERT_EQ(world.symlink(acl + "/lun_5/m", lun0), 0);
  ASSERT_EQ(world.write(tpg + "/enable", "1\n"), 0);
}

TEST(LioEngine, IsToldWhatComesAndGoes) {
  World world;
  make_all(world);
  EXPECT_THAT(
      world.engine.take_calls(),
      ElementsAre("open_device 1 rd_mcp_0/r", "set_attributes 1 block_size=512 queue_depth=128",
                  "set_lu_group 1 0", "set_port_group 1 id=0 state=0 status=0",
                  "add_port 0x00000000000000000000000000000001",
                  "add_tpg 1 0x00000000000000000000000000000001 rtpi=1", "add_acl 1 10.9.0.1",
                  "add_lun 1 lun=0 device=1", "set_lun_access 1 lun=0 group=0 offline=0",
                  "map_lun 1 10.9.0.1 5->0 protect=0", "enable_tpg 1 1"));
  EXPECT_EQ(world.write(acl + "/lun_5/write_protect", "1"), 0);
  EXPECT_EQ(world.write(tpg + "/enable", "0"), 0);
  EXPECT_EQ(world.unlink(acl + "/lun_5/m"), 0);
  EXPECT_EQ(world.rmdir(acl + "/lun_5"), 0);
  EXPECT_EQ(world.rmdir(acl), 0);
  EXPECT_EQ(world.unlink(lun0 + "/a"), 0);
  EXPECT_EQ(world.rmdir(lun0), 0);
  EXPECT_EQ(world.rmdir(tpg), 0);
  EXPECT_EQ(world.rmdir(port), 0);
  EXPECT_EQ(world.rmdir("srpt"), 0);
  EXPECT_EQ(world.rmdir(device), 0);
  EXPECT_EQ(world.rmdir("core/rd_mcp_0"), 0);
  EXPECT_THAT(
      world.engine.take_calls(),
      ElementsAre("write_protect 1 10.9.0.1 5 1", "enable_tpg 1 0", "unmap_lun 1 10.9.0.1 5",
                  "remove_acl 1 10.9.0.1", "remove_lun 1 lun=0", "remove_tpg 1",
                  "remove_port 0x00000000000000000000000000000001", "listen 0", "close_device 1"));
}

TEST(LioEngine, IsNotAskedTwiceForTheSame) {
  World world;
  make_all(world);
  world.engine.take_calls();
  EXPECT_EQ(world.write(tpg + "/enable", "1"), 0);
  EXPECT_EQ(world.write(device + "/enable", "1"), EEXIST);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
}

TEST(LioEngine, RefusalsChangeNothing) {
  World world;
  make_all(world);
  world.mkdir("core/rd_mcp_0/s");
  world.write("core/rd_mcp_0/s/control", "rd_pages=1");
  world.engine.fail_next("open_device", ENOMEM);
  EXPECT_EQ(world.write("core/rd_mcp_0/s/enable", "1"), ENOMEM);
  EXPECT_EQ(world.text("core/rd_mcp_0/s/enable"), "0\n");
  world.engine.take_calls();
  world.engine.fail_next("set_attributes", EIO);
  EXPECT_EQ(world.write("core/rd_mcp_0/s/enable", "1"), EIO);
  EXPECT_THAT(world.engine.take_calls(), Contains(HasSubstr("close_device")));
  EXPECT_EQ(world.write("core/rd_mcp_0/s/enable", "1"), 0) << "it can be tried again";

  world.engine.fail_next("set_attributes", EIO);
  EXPECT_EQ(world.write("core/rd_mcp_0/s/attrib/queue_depth", "7"), EIO);
  EXPECT_EQ(world.text("core/rd_mcp_0/s/attrib/queue_depth"), "128\n");
  world.engine.fail_next("add_port", EADDRINUSE);
  EXPECT_EQ(world.mkdir("srpt/0002:c903:00a0:b0c1"), EADDRINUSE);
  EXPECT_FALSE(world.find("srpt/0002:c903:00a0:b0c1"));
  world.engine.fail_next("add_tpg", EBUSY);
  EXPECT_EQ(world.mkdir(port + "/tpgt_2"), EBUSY);
  world.mkdir(tpg + "/lun/lun_1");
  world.engine.fail_next("add_lun", EIO);
  EXPECT_EQ(world.symlink(tpg + "/lun/lun_1/a", "core/rd_mcp_0/s"), EIO);
  EXPECT_EQ(world.text(tpg + "/lun/lun_1/alua_tg_pt_gp"), "!" + std::to_string(ENODEV));
  EXPECT_EQ(world.rmdir("core/rd_mcp_0/s"), 0) << "no link holds it";
  world.mkdir(acl + "/lun_6");
  world.engine.fail_next("map_lun", ENOSPC);
  EXPECT_EQ(world.symlink(acl + "/lun_6/m", lun0), ENOSPC);
  EXPECT_EQ(world.text(acl + "/lun_6/write_protect"), "");
  world.engine.fail_next("write_protect", EIO);
  EXPECT_EQ(world.write(acl + "/lun_5/write_protect", "1"), EIO);
  EXPECT_EQ(world.text(acl + "/lun_5/write_protect"), "0\n");
  world.engine.fail_next("enable_tpg", EIO);
  EXPECT_EQ(world.write(tpg + "/enable", "0"), EIO);
  EXPECT_EQ(world.text(tpg + "/enable"), "1\n");
  world.engine.fail_next("listen", EADDRINUSE);
  EXPECT_EQ(world.write("srpt/discovery_auth/rdma_cm_port", "5555"), EADDRINUSE);
  EXPECT_EQ(world.text("srpt/discovery_auth/rdma_cm_port"), "0\n");
  world.engine.fail_next("set_port", EIO);
  EXPECT_EQ(world.write(tpg + "/attrib/srp_sq_size", "16"), EIO);
  EXPECT_EQ(world.text(tpg + "/attrib/srp_sq_size"), "4096\n");
}

TEST(LioEngine, ASizeWrittenToAFileInUseIsItsNewOne) {
  World world;
  const std::string file = "core/fileio_1/file";
  world.mkdir("core/fileio_1");
  world.mkdir(file);
  world.write(file + "/control", "fd_dev_name=/tmp/file0.img,fd_dev_size=1048576");
  ASSERT_EQ(world.write(file + "/enable", "1"), 0);
  world.engine.take_calls();
  EXPECT_EQ(world.write(file + "/control", "fd_dev_size=2097152"), 0);
  EXPECT_THAT(world.engine.take_calls(), ElementsAre("resize_device 1 2097152 shrink=1"));
  EXPECT_THAT(world.text(file + "/info"), HasSubstr("Size: 2097152"));
  EXPECT_EQ(world.write(file + "/control", "fd_dev_size=2097152"), 0);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
  world.engine.fail_next("resize_device", ENOSPC);
  EXPECT_EQ(world.write(file + "/control", "fd_async_io=1,fd_dev_size=4194304"), ENOSPC);
  EXPECT_THAT(world.text(file + "/info"), HasSubstr("Size: 2097152"));
  EXPECT_THAT(world.text(file + "/info"), HasSubstr("Async: 1"));
  world.make_ramdisk("rd_mcp_0", "r");
  world.engine.take_calls();
  EXPECT_EQ(world.write(device + "/control", "rd_pages=32"), 0) << "as the kernel";
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
}

TEST(LioEngine, ResizeKeepsWhoDecidesOnTheSize) {
  World world;
  make_all(world);
  world.mkdir("core/fileio_1");
  for (const std::string file : {"sized", "whole"}) {
    world.mkdir("core/fileio_1/" + file);
    world.write("core/fileio_1/" + file + "/control", "fd_dev_name=/dev/ram0");
  }
  world.write("core/fileio_1/sized/control", "fd_dev_size=16777216");
  const auto resize = [&](const std::string& path, std::uint64_t bytes) {
    const auto resized = resize_device(world.tree, *world.find(path), bytes, false);
    return resized ? 0 : resized.error().code;
  };
  EXPECT_EQ(resize("core/fileio_1/sized", 4096), ENODEV) << "not enabled";
  for (const std::string file : {"sized", "whole"})
    ASSERT_EQ(world.write("core/fileio_1/" + file + "/enable", "1"), 0);
  EXPECT_EQ(resize("core/fileio_1/sized", 0), 0);
  EXPECT_EQ(resize("core/fileio_1/whole", 0), 0);
  EXPECT_THAT(world.text("core/fileio_1/sized/info"), HasSubstr("Size: 33554432"));
  EXPECT_THAT(world.text("core/fileio_1/whole/info"), HasSubstr("Size: 0"));
  EXPECT_EQ(resize("core/fileio_1/whole", 1 << 20), 0);
  EXPECT_THAT(world.text("core/fileio_1/whole/info"), HasSubstr("Size: 1048576"));
  EXPECT_EQ(resize(device, 4097), 0);
  EXPECT_THAT(world.text(device + "/info"), HasSubstr("2*4096")) << "whole pages";
  EXPECT_EQ(resize(device, std::uint64_t{1} << 43), ERANGE);
  EXPECT_EQ(resize(port, 4096), EINVAL);
}

TEST(LioEngine, PortGroupsMoveTheirLuns) {
  World world;
  make_all(world);
  const std::string group = device + "/alua/g";
  ASSERT_EQ(world.mkdir(group), 0);
  EXPECT_EQ(world.write(group + "/alua_access_state", "2"), EINVAL) << "no id yet";
  ASSERT_EQ(world.write(group + "/tg_pt_gp_id", "9"), 0);
  EXPECT_EQ(world.write(lun0 + "/alua_tg_pt_gp", "g"), 0);
  world.engine.take_calls();
  EXPECT_EQ(world.write(group + "/alua_access_state", "2"), 0);
  EXPECT_EQ(world.write(lun0 + "/alua_tg_pt_offline", "1"), 0);
  EXPECT_THAT(world.text(lun0 + "/alua_tg_pt_gp"),
              HasSubstr("Primary Access State: Standby\n"
                        "TG Port Primary Access Status: Altered by Implicit ALUA\n"
                        "TG Port Secondary Access State: Offline\n"
                        "TG Port Secondary Access Status: Altered by Implicit ALUA\n"));
  EXPECT_EQ(world.rmdir(group), 0);
  EXPECT_THAT(world.engine.take_calls(),
              ElementsAre("set_port_group 1 id=9 state=2 status=2",
                          "set_lun_access 1 lun=0 group=9 offline=1",
                          "set_lun_access 1 lun=0 group=0 offline=1", "remove_port_group 1 id=9"));
  EXPECT_THAT(world.text(device + "/alua/default_tg_pt_gp/members"), HasSubstr("/lun_0\n"));
  EXPECT_EQ(world.write(device + "/alua/default_tg_pt_gp/alua_support_standby", "0"), 0);
  EXPECT_EQ(world.write(device + "/alua/default_tg_pt_gp/alua_access_state", "2"), EINVAL);
  EXPECT_EQ(world.write(device + "/alua/default_tg_pt_gp/alua_access_type", "2"), 0);
  EXPECT_EQ(world.write(device + "/alua/default_tg_pt_gp/alua_access_state", "1"), EINVAL)
      << "explicit only";
}

TEST(LioEngine, UnitsOfAGroupChangeTogether) {
  World world;
  make_all(world);
  world.make_ramdisk("rd_mcp_0", "s");
  world.make_ramdisk("rd_mcp_0", "t");
  ASSERT_EQ(world.mkdir("core/alua/lu_gps/both"), 0);
  ASSERT_EQ(world.write("core/alua/lu_gps/both/lu_gp_id", "5"), 0);
  const std::string second = "core/rd_mcp_0/s";
  for (const std::string& each : {device, second})
    ASSERT_EQ(world.write(each + "/alua_lu_gp", "both"), 0);
  EXPECT_THAT(world.engine.take_calls(), Contains("set_lu_group 1 5"));
  const std::string state = "/alua/default_tg_pt_gp/alua_access_state";
  EXPECT_EQ(world.write(device + state, "2"), 0);
  EXPECT_EQ(world.text(second + state), "2\n");
  EXPECT_EQ(world.text("core/rd_mcp_0/t" + state), "0\n") << "in the default group: alone";
  EXPECT_THAT(world.engine.take_calls(), ElementsAre("set_port_group 1 id=0 state=2 status=2",
                                                     "set_port_group 2 id=0 state=2 status=2"));
  EXPECT_EQ(world.write(second + "/alua_lu_gp", "NULL"), 0);
  EXPECT_EQ(world.write(device + state, "0"), 0);
  EXPECT_EQ(world.text(second + state), "2\n");
  EXPECT_THAT(world.engine.take_calls(), Contains("set_lu_group 2 none"));
}

TEST(LioEngine, StatesThatHostsSetAreShown) {
  World world;
  make_all(world);
  const std::string group = device + "/alua/g";
  world.mkdir(group);
  world.write(group + "/tg_pt_gp_id", "9");
  world.write(lun0 + "/alua_tg_pt_gp", "g");
  world.engine.take_calls();
  DeviceSpec spec;
  spec.hba = "rd_mcp_0";
  spec.name = "r";
  const std::vector<AccessChange> changes{{false, 9, 2}, {true, 1, 14}, {true, 2, 14}};
  take_over_access_states(world.tree, DeviceId{2}, spec, changes);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty()) << "of a device that was there before";
  take_over_access_states(world.tree, DeviceId{1}, spec, changes);
  EXPECT_EQ(world.text(group + "/alua_access_state"), "2\n");
  EXPECT_EQ(world.text(group + "/alua_access_status"), "Altered by Explicit STPG\n");
  EXPECT_EQ(world.text(lun0 + "/alua_tg_pt_offline"), "1\n");
  EXPECT_EQ(world.text(lun0 + "/alua_tg_pt_status"), "1\n");
}

TEST(LioEngine, AChangeOfStateTakesTheTransitionDelay) {
  World world;
  make_all(world);
  const std::string group = device + "/alua/default_tg_pt_gp";
  ASSERT_EQ(world.write(group + "/trans_delay_msecs", "1"), 0);
  world.engine.take_calls();
  EXPECT_EQ(world.write(group + "/alua_access_state", "3"), 0);
  EXPECT_THAT(world.engine.take_calls(), ElementsAre("set_port_group 1 id=0 state=15 status=2",
                                                     "set_port_group 1 id=0 state=3 status=2"));
}

TEST(LioEngine, IdentityIsFixedWhileALunShowsIt) {
  World world;
  make_all(world);
  for (const char* name : {"vpd_unit_serial", "vendor_id", "product_id", "revision"})
    EXPECT_EQ(world.write(device + "/wwn/" + name, "x"), EINVAL) << name;
  EXPECT_EQ(world.unlink(lun0 + "/a"), 0);
  world.engine.take_calls();
  EXPECT_EQ(world.write(device + "/wwn/vpd_unit_serial", " abc \n"), 0);
  EXPECT_EQ(world.write(device + "/attrib/emulate_model_alias", "1"), 0);
  EXPECT_THAT(world.engine.take_calls(), Contains("set_identity 1 LIO-ORG r 4.0 abc"));
  EXPECT_EQ(world.text(device + "/wwn/product_id"), "r\n");
  EXPECT_EQ(world.write(device + "/attrib/emulate_model_alias", "0"), 0);
  EXPECT_EQ(world.text(device + "/wwn/product_id"), "RAMDISK-MCP\n");
}

TEST(LioEngine, BlockSizeScalesTheLargestTransfer) {
  World world;
  world.mkdir("core/fileio_0");
  world.mkdir("core/fileio_0/f");
  world.write("core/fileio_0/f/control", "fd_dev_name=/tmp/f.img,fd_dev_size=1048576");
  ASSERT_EQ(world.write("core/fileio_0/f/enable", "1"), 0);
  EXPECT_EQ(world.write("core/fileio_0/f/attrib/block_size", "4096"), 0);
  EXPECT_EQ(world.text("core/fileio_0/f/attrib/hw_max_sectors"), "2048\n");
  EXPECT_EQ(world.text("core/fileio_0/f/attrib/hw_block_size"), "512\n");
  EXPECT_THAT(world.text("core/fileio_0/f/info"),
              HasSubstr("SectorSize: 4096  HwMaxSectors: 2048"));
}

TEST(LioEngine, PathsIntoTheTreeItselfAreRefused) {
  Options options = measured(Profile::linux_6_1);
  options.is_own_mount = [](const std::string& path) {
    return path.starts_with("/sys/kernel/config/");
  };
  World world(options);
  world.mkdir("core/fileio_0");
  world.mkdir("core/fileio_0/f");
  world.write("core/fileio_0/f/control", "fd_dev_name=/sys/kernel/config/target/dbroot");
  EXPECT_EQ(world.write("core/fileio_0/f/enable", "1"), EINVAL);
  EXPECT_EQ(world.write("dbroot", "/sys/kernel/config/target"), EINVAL);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
}

TEST(LioEngine, ShowsReservations) {
  World world;
  world.make_ramdisk("rd_mcp_0", "r");
  world.engine.held.generation = 3;
  world.engine.held.aptpl = true;
  world.engine.held.registrations = {{"10.9.0.1", 0xabc, 2}};
  world.engine.held.holder = {{.initiator = "10.9.0.1", .target = "0x01", .lun = 4, .type = 5}};
  EXPECT_EQ(world.text(device + "/pr/res_holder"), "SPC-3 Reservation: srpt Initiator: 10.9.0.1\n");
  EXPECT_EQ(world.text(device + "/pr/res_pr_all_tgt_pts"),
            "SPC-3 Reservation: Single Target Port registration\n");
  EXPECT_EQ(world.text(device + "/pr/res_pr_holder_tg_port"),
            "SPC-3 Reservation: srpt Target Node Endpoint: 0x01\n"
            "SPC-3 Reservation: Relative Port Identifier Tag: 1 srpt Portal Group Tag: 1 srpt "
            "Logical Unit: 4\n");
  EXPECT_EQ(world.text(device + "/pr/res_pr_type"),
            "SPC-3 Reservation Type: Write Exclusive Access, Registrants Only\n");
  EXPECT_EQ(world.text(device + "/pr/res_pr_registered_i_pts"),
            "SPC-3 PR Registrations:\n"
            "srpt Node: 10.9.0.1 Key: 0x0000000000000abc PRgen: 0x00000002\n");
  EXPECT_EQ(world.text(device + "/pr/res_pr_generation"), "0x00000003\n");
  EXPECT_EQ(world.text(device + "/pr/res_aptpl_active"), "APTPL Bit Status: Activated\n");
}

const std::string saved =
    "initiator_fabric=srpt,initiator_node=0x12,sa_res_key=2748,res_holder=1,res_type=08,"
    "res_scope=00,res_all_tg_pt=0,mapped_lun=0,target_fabric=srpt,target_node=0x01,tpgt=1,"
    "port_rtpi=1,target_lun=0";

TEST(LioEngine, TakesSavedRegistrations) {
  World world;
  world.make_ramdisk("rd_mcp_0", "r");
  world.engine.take_calls();
  EXPECT_EQ(world.write(device + "/pr/res_aptpl_metadata", saved), 0);
  EXPECT_THAT(world.engine.take_calls(),
              ElementsAre("restore_registration 1 0x12 key=2748 type=8"));
  for (const char* missing : {"initiator_node=0x12,", "sa_res_key=2748,", "target_node=0x01,"})
    EXPECT_EQ(world.write(device + "/pr/res_aptpl_metadata", replaced(saved, missing, "")), EINVAL);
}

TEST(LioEngine, KeepsSavedRegistrationsUntilTheDeviceIsEnabled) {
  World world;
  world.mkdir("core/rd_mcp_0");
  world.mkdir(device);
  EXPECT_EQ(world.write(device + "/pr/res_aptpl_metadata", saved), 0);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
  EXPECT_EQ(world.write(device + "/control", "rd_pages=1"), 0);
  EXPECT_EQ(world.write(device + "/enable", "1"), 0);
  EXPECT_THAT(world.engine.take_calls(), Contains("restore_registration 1 0x12 key=2748 type=8"));
}

TEST(LioEngine, WithoutReservationsTakesAndShowsNone) {
  World world;
  world.make_ramdisk("rd_mcp_0", "r");
  world.engine.held.aptpl = true;
  world.engine.held.holder = {{.initiator = "10.9.0.1", .target = "0x01", .lun = 4, .type = 5}};
  EXPECT_EQ(world.write(device + "/attrib/emulate_pr", "0"), 0);
  world.engine.take_calls();
  for (const char* attribute : {"res_holder", "res_type"})
    EXPECT_EQ(world.text(device + "/pr/" + attribute), "SPC_RESERVATIONS_DISABLED\n");
  for (const char* attribute : {"res_aptpl_active", "res_aptpl_metadata"})
    EXPECT_EQ(world.text(device + "/pr/" + attribute), "");
  EXPECT_EQ(world.write(device + "/pr/res_aptpl_metadata", saved), 0);
  EXPECT_THAT(world.engine.take_calls(), IsEmpty());
}

TEST(LioEngine, ShowsSessionsToTargetcli) {
  Options options = measured(Profile::linux_6_1);
  options.session_attributes = true;
  World world(options);
  make_all(world);
  EXPECT_EQ(world.text(acl + "/info"), "No active SRP Session for Initiator Endpoint: 10.9.0.1\n");
  world.engine.logged_in = {{.id = 42, .initiator = "10.9.0.1", .address = "10.9.0.1"}};
  EXPECT_THAT(world.text(acl + "/info"), HasSubstr("LIO Session ID: 42   SessionType: Normal\n"));
  EXPECT_EQ(world.text(acl + "/lun_5/statistics/scsi_att_intr_port/indx"), "42\n");
  EXPECT_EQ(world.write(acl + "/tag", "hosts\n"), 0);
  EXPECT_EQ(world.text(acl + "/tag"), "hosts\n");
  EXPECT_EQ(world.write(acl + "/tag", "NULL\n"), 0);
  EXPECT_EQ(world.text(acl + "/tag"), "");
  EXPECT_EQ(world.text(acl + "/auth/authenticate_target"), "0\n");
}

TEST(LioEngine, CountsAreThoseOfTheTarget) {
  World world;
  make_all(world);
  world.engine.counted = {.commands = 12,
                          .read_bytes = 5 << 20,
                          .written_bytes = 7 << 20,
                          .resets = 2,
                          .aborts_complete = 3,
                          .aborts_no_task = 4,
                          .busy = 5,
                          .task_set_full = 6};
  EXPECT_EQ(world.text(device + "/statistics/scsi_lu/num_cmds"), "12\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_lu/read_mbytes"), "5\n");
  EXPECT_EQ(world.text(lun0 + "/statistics/scsi_tgt_port/write_mbytes"), "7\n");
  EXPECT_EQ(world.text(acl + "/lun_5/statistics/scsi_auth_intr/num_cmds"), "12\n");
  // RFC 4455: the same numbers, of devices that are fast.
  EXPECT_EQ(world.text(device + "/statistics/scsi_lu/hs_num_cmds"), "12\n");
  EXPECT_EQ(world.text(lun0 + "/statistics/scsi_tgt_port/hs_in_cmds"), "12\n");
  EXPECT_EQ(world.text(acl + "/lun_5/statistics/scsi_auth_intr/hs_num_cmds"), "12\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_lu/resets"), "2\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_tgt_dev/resets"), "2\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_tgt_dev/aborts_complete"), "3\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_tgt_dev/aborts_no_task"), "4\n");
  EXPECT_EQ(world.text(lun0 + "/statistics/scsi_port/busy_count"), "5\n");
  EXPECT_EQ(world.text(device + "/statistics/scsi_lu/full_stat"), "6\n");
}

TEST(LioStubs, AreWhatTargetcliNeeds) {
  World world;
  for (const char* fabric : {"iscsi", "loopback", "vhost", "xen-pvscsi"}) {
    EXPECT_EQ(world.mkdir(fabric), 0) << fabric;
    EXPECT_EQ(world.mkdir(std::string(fabric) + "/iqn.x"), EPERM) << fabric;
  }
  EXPECT_EQ(world.text("iscsi/discovery_auth/enforce_discovery_auth"), "0\n");
  for (const char* name : {"userid", "password", "userid_mutual", "password_mutual"})
    EXPECT_EQ(world.write(std::string("iscsi/discovery_auth/") + name, "NULL"), 0) << name;
  EXPECT_EQ(world.write("iscsi/discovery_auth/enforce_discovery_auth", "0"), 0);
  EXPECT_EQ(world.rmdir("iscsi"), 0);
}

TEST(LioProfile, NewerKernelsSetTheRelativePortIdentifier) {
  World world(measured(Profile::linux_6_12));
  for (const std::string& path : {std::string("srpt"), port, tpg, port + "/tpgt_2"})
    ASSERT_EQ(world.mkdir(path), 0);
  EXPECT_EQ(world.text(tpg + "/rtpi"), "0x0\n") << "it comes with enable";
  for (const char* wrong : {"0", "x"})
    EXPECT_EQ(world.write(tpg + "/rtpi", wrong), EINVAL) << wrong;
  EXPECT_EQ(world.write(tpg + "/rtpi", "65536"), ERANGE);
  EXPECT_EQ(world.write(tpg + "/rtpi", "77"), 0);
  EXPECT_EQ(world.text(tpg + "/rtpi"), "0x4d\n");
  world.engine.take_calls();
  EXPECT_EQ(world.write(tpg + "/enable", "1"), 0);
  EXPECT_THAT(world.engine.take_calls(), ElementsAre("set_rtpi 1 77", "enable_tpg 1 1"));
  EXPECT_EQ(world.write(tpg + "/rtpi", "78"), EINVAL);

  const std::string other = port + "/tpgt_2";
  EXPECT_EQ(world.write(other + "/rtpi", "77"), 0);
  EXPECT_EQ(world.write(other + "/enable", "1"), EINVAL) << "another one has it";
  EXPECT_EQ(world.write(other + "/rtpi", "1"), 0);
  EXPECT_EQ(world.write(other + "/enable", "1"), 0);
  EXPECT_EQ(world.write(tpg + "/enable", "0"), 0);
  EXPECT_EQ(world.write(other + "/enable", "0"), 0);
  EXPECT_EQ(world.write(other + "/rtpi", "77"), 0) << "free again";
  EXPECT_EQ(world.write(other + "/enable", "1"), 0);
  world.mkdir("core/iblock_0");
  world.mkdir("core/iblock_0/b");
  EXPECT_EQ(world.write("core/iblock_0/b/attrib/pgr_support", "0"), 0);
  EXPECT_EQ(world.write("core/iblock_0/b/attrib/submit_type", "3"), EINVAL);
  EXPECT_EQ(world.write("core/iblock_0/b/attrib/submit_type", "2"), 0);
  EXPECT_EQ(world.write("core/iblock_0/b/attrib/emulate_rsoc", "0"), 0);
}

}  // namespace
}  // namespace srpd::lio::test
