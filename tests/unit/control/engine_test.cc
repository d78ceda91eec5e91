// LIO's tree drives a real target: what a shell would do to the tree is done to it here, and a host
// on TCP sees what comes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "lio/access_states.h"
#include "support/hex.h"
#include "support/tcp_device.h"
#include "unit/control/engine_fixture.h"

namespace srpd::control {
namespace {

using testing::HasSubstr;

TEST_F(EngineTest, WhatTheTreeSaysIsServed) {
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x2900});
  const Bytes data = test::pattern(512, 1);
  EXPECT_EQ(ask(**host, write_one, 0, data).status, 0);
  EXPECT_EQ(ask(**host, read_one, 0, {}, 512).data, data);
  const Answer serial = ask(**host, bytes({0x12, 1, 0x80, 0, 255, 0}), 0, {}, 255);
  const std::string text(reinterpret_cast<const char*>(serial.data.data()), serial.data.size());
  EXPECT_THAT(text, HasSubstr("serial-of-ram0"));
  const std::string counters = "target/core/rd_mcp_0/ram0/statistics/scsi_lu/";
  EXPECT_NE(cat(counters + "num_cmds"), "0\n");
}

TEST_F(EngineTest, HostsSeeLunsComeAndGo) {
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  make_ramdisk("rd_mcp_1/ram1", 64, "serial-of-ram1");
  make_lun(1, "rd_mcp_1/ram1");
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{}) << "not mapped yet";
  map(7, 1);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x3f0e});
  EXPECT_EQ(attentions(**host, 7), std::vector<unsigned>{0x2900});
  EXPECT_EQ(ask(**host, write_one, 7, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(echo("1", mapped(7) + "/write_protect"), 0);
  attentions(**host, 7);
  EXPECT_EQ(ask(**host, write_one, 7, test::pattern(512, 1)).code, 0x2700u);
  EXPECT_EQ(unlink(mapped(7) + "/lun"), 0);
  EXPECT_EQ(ask(**host, test_unit_ready, 7).code, 0x2500u);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x3f0e});
}

TEST_F(EngineTest, ADeviceGoesWhenItsLunHasGone) {
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  EXPECT_EQ(rmdir("target/core/rd_mcp_0/ram0"), EBUSY);
  EXPECT_EQ(unlink(lun(0) + "/device"), 0);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x2500u);
  const auto lent = [this] { return runtime::run_on(home(), [this] { return lent_.size(); }); };
  EXPECT_EQ(lent(), 1u) << "adapters may know the memory of a RAM disk";
  EXPECT_EQ(rmdir("target/core/rd_mcp_0/ram0"), 0);
  EXPECT_EQ(lent(), 0u);
}

TEST_F(EngineTest, AnAclThatGoesClosesItsSessions) {
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  EXPECT_EQ(unlink(mapped(0) + "/lun"), 0);
  EXPECT_EQ(rmdir(mapped(0)), 0);
  EXPECT_EQ(rmdir(acl_), 0);
  EXPECT_NE(ask(**host, test_unit_ready).error, 0);
  host->reset();
  EXPECT_FALSE(log_in());
}

TEST_F(EngineTest, ADisabledTargetRefusesLogins) {
  make_target();
  EXPECT_EQ(echo("0", tpg_ + "/enable"), 0);
  EXPECT_FALSE(log_in());
  EXPECT_EQ(echo("1", tpg_ + "/enable"), 0);
  EXPECT_TRUE(log_in());
}

// LIO asks the port groups in the order of their making.
TEST_F(EngineTest, AHostComesToThePortGroupThatKnowsIt) {
  make_target();
  const std::string second = std::string(port) + "/tpgt_2";
  const std::string other = second + "/acls/" + host_name;
  make_ramdisk("rd_mcp_1/ram1", 128, "serial-of-ram1");
  mkdir(second + "/lun/lun_3");
  link("target/core/rd_mcp_1/ram1", second + "/lun/lun_3/device");
  mkdir(other + "/lun_5");
  link(second + "/lun/lun_3", other + "/lun_5/lun");
  EXPECT_EQ(echo("1", second + "/enable"), 0);
  {
    auto host = log_in();
    ASSERT_TRUE(host) << host.error().text();
    EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x2900});
    EXPECT_EQ(ask(**host, test_unit_ready, 5).code, 0x2500u);
    EXPECT_THAT(cat(acl_ + "/info"), HasSubstr("Session State"));
    EXPECT_THAT(cat(other + "/info"), HasSubstr("No active SRP Session"))
        << "the same name in the other one";
  }
  EXPECT_EQ(echo("0", tpg_ + "/enable"), 0);
  {
    auto host = log_in();
    ASSERT_TRUE(host) << host.error().text();
    EXPECT_EQ(attentions(**host, 5), std::vector<unsigned>{0x2900});
    EXPECT_EQ(ask(**host, test_unit_ready, 0).code, 0x2500u);
  }
  EXPECT_EQ(unlink(mapped(0) + "/lun"), 0);
  EXPECT_EQ(rmdir(mapped(0)), 0);
  EXPECT_EQ(rmdir(acl_), 0);
  EXPECT_EQ(unlink(lun(0) + "/device"), 0);
  EXPECT_EQ(rmdir(lun(0)), 0);
  EXPECT_EQ(rmdir(tpg_), 0);
  EXPECT_TRUE(log_in()) << "the other one stays";
}

TEST_F(EngineTest, FilesAreOpenedAsTheTreeSays) {
  const test::TemporaryFile file;
  const std::string device = "target/core/fileio_0/file0";
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=/no/such/folder/file,fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), ENOENT);
  EXPECT_EQ(echo("fd_dev_name=/tmp,fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), EISDIR);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576,fd_buffered_io=1",
                 device + "/control"),
            0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  EXPECT_THAT(cat(device + "/info"), HasSubstr("Buffered-WCE"));
  // Before a host has seen it.
  EXPECT_EQ(echo("4096", device + "/attrib/block_size"), 0);
  EXPECT_EQ(echo("0", device + "/attrib/emulate_write_cache"), 0);
  mkdir(tpg_);
  make_lun(0, "fileio_0/file0");
  mkdir(acl_);
  map(0, 0);
  EXPECT_EQ(echo("1", tpg_ + "/enable"), 0);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  const Answer capacity = ask(**host, bytes({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}), 0, {}, 8);
  EXPECT_EQ(test::to_hex(capacity.data), "000000ff00001000");
  const Answer caching = ask(**host, bytes({0x1a, 8, 8, 0, 255, 0}), 0, {}, 24);
  EXPECT_EQ(test::to_hex(caching.data).substr(8, 6), "081200") << "it writes through";
  EXPECT_EQ(echo("1", device + "/attrib/emulate_write_cache"), 0);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x2a01});
}

TEST_F(EngineTest, HostsAreToldOfAnotherSize) {
  const test::TemporaryFile file;
  const std::string device = "target/core/fileio_0/file0";
  make_target();
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  attentions(**host, 1);
  const auto resize = [&](const std::string& path, std::uint64_t bytes, bool may_shrink = false) {
    const auto resized = lio::resize_device(*tree_, at(path), bytes, may_shrink);
    return resized ? 0 : resized.error().code;
  };
  const Bytes read_capacity = bytes({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(resize(device, 2 << 20), 0);
  EXPECT_EQ(std::filesystem::file_size(file.path()), 2u << 20);
  EXPECT_EQ(attentions(**host, 1), std::vector<unsigned>{0x2a09});
  EXPECT_EQ(test::to_hex(ask(**host, read_capacity, 1, {}, 8).data), "00000fff00000200");
  const Bytes write_last = bytes({0x2a, 0, 0, 0, 0x0f, 0xff, 0, 0, 1, 0});
  EXPECT_EQ(ask(**host, write_last, 1, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{}) << "of no other LUN";

  EXPECT_EQ(resize(device, 1 << 20), EPERM);
  EXPECT_EQ(resize(device, 1 << 20, true), 0);
  EXPECT_EQ(attentions(**host, 1), std::vector<unsigned>{0x2a09});
  EXPECT_EQ(ask(**host, write_last, 1, test::pattern(512, 1)).code, 0x2100u);
  EXPECT_EQ(echo("fd_dev_size=2097152", device + "/control"), 0);
  EXPECT_EQ(attentions(**host, 1), std::vector<unsigned>{0x2a09});
  const auto lent = [this] {
    return runtime::run_on(home(), [this] {
      std::size_t bytes = 0;
      for (const auto* each : lent_) bytes += each->bytes().size();
      return bytes;
    });
  };
  EXPECT_EQ(lent(), 64u * 4096);
  EXPECT_EQ(resize("target/core/rd_mcp_0/ram0", 1 << 20), 0);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x2a09});
  EXPECT_EQ(test::to_hex(ask(**host, read_capacity, 0, {}, 8).data), "000007ff00000200");
  EXPECT_EQ(lent(), 1u << 20) << "adapters may know what is new as well";
  EXPECT_EQ(resize("target/core/rd_mcp_0/ram0", 1 << 19, true), 0);
  EXPECT_EQ(resize("target/core/rd_mcp_0/ram0", 3 << 19), 0);
  EXPECT_EQ(lent(), 3u << 19);
  EXPECT_EQ(unlink(lun(0) + "/device"), 0);
  EXPECT_EQ(rmdir("target/core/rd_mcp_0/ram0"), 0);
  EXPECT_EQ(lent(), 0u);
}

TEST_F(EngineTest, AHandlerOfOursTakesAnotherSize) {
  const std::string device = "target/core/user_0/null0";
  mkdir(device);
  EXPECT_EQ(echo("dev_config=null/x,dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  EXPECT_EQ(echo("2097152", device + "/attrib/dev_size"), 0);
  EXPECT_THAT(cat(device + "/info"), HasSubstr("Size: 2097152"));
  EXPECT_EQ(echo("null/y", device + "/attrib/dev_config"), ESRCH);
}

TEST_F(EngineTest, WhatIsWaitedForCanGetAnotherSize) {
  const test::TemporaryFile file;
  std::filesystem::resize_file(file.path(), 1 << 20);
  const std::string device = "target/core/fileio_0/file0";
  engine_->set_patient(true);
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=2097152", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  engine_->set_patient(false);
  ASSERT_EQ(engine_->waiting().size(), 1u);
  EXPECT_THAT(engine_->waiting()[0].why.text(), HasSubstr("1 MiB, less than the 2 MiB"));
  const auto resize = [&](std::uint64_t bytes, bool may_shrink) {
    const auto resized = lio::resize_device(*tree_, at(device), bytes, may_shrink);
    return resized ? 0 : resized.error().code;
  };
  EXPECT_EQ(resize(0, false), ENODEV);
  EXPECT_EQ(resize(1 << 20, false), EPERM);
  EXPECT_EQ(resize(1 << 20, true), 0);
  EXPECT_EQ(engine_->look_for_waiting().size(), 1u);
}

// Target port groups, SPC-4 5.15: by the tree, seen by a host.
TEST_F(EngineTest, TheTreeSetsAsymmetricAccess) {
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  const std::string groups = "target/core/rd_mcp_0/ram0/alua";
  mkdir(groups + "/far");
  EXPECT_EQ(echo("16", groups + "/far/tg_pt_gp_id"), 0);
  EXPECT_EQ(echo("2", groups + "/far/alua_access_state"), 0);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{}) << "no port is in it";
  EXPECT_EQ(echo("far", lun(0) + "/alua_tg_pt_gp"), 0);
  runtime::run_on(home(), [] {});
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x2a06u);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x3f03u);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x040bu);
  const Bytes report = bytes({0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  EXPECT_EQ(test::to_hex(ask(**host, report, 0, {}, 24).data),
            "0000001400cf000000000000"
            "02cf001000020001"
            "00000001");
  EXPECT_EQ(echo("1", lun(0) + "/alua_tg_pt_offline"), 0);
  runtime::run_on(home(), [] {});
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x2a06u);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x0412u);
  EXPECT_EQ(echo("0", lun(0) + "/alua_tg_pt_offline"), 0);
  EXPECT_EQ(rmdir(groups + "/far"), 0);
  EXPECT_EQ(echo("NULL", "target/core/rd_mcp_0/ram0/alua_lu_gp"), 0);
  runtime::run_on(home(), [] {});
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x2a06u);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x3f03u);
  EXPECT_EQ(ask(**host, test_unit_ready).status, 0);
}

// What a LUN was set to before its unit came into being.
TEST_F(EngineTest, AUnitThatComesHasItsStates) {
  make_target();
  EXPECT_EQ(unlink(mapped(0) + "/lun"), 0);
  EXPECT_EQ(unlink(lun(0) + "/device"), 0);
  EXPECT_EQ(echo("3", "target/core/rd_mcp_0/ram0/alua/default_tg_pt_gp/alua_access_state"), 0);
  link("target/core/rd_mcp_0/ram0", lun(0) + "/device");
  link(lun(0), mapped(0) + "/lun");
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x2900u);
  EXPECT_EQ(ask(**host, test_unit_ready).code, 0x040cu);
}

TEST_F(EngineTest, TheTreeKeepsWhatAHostSets) {
  std::thread keeper;
  engine_->set_keep([&](auto device, auto spec, auto changes, auto done) {
    keeper = std::thread([=, this] {
      lio::take_over_access_states(*tree_, device, spec, changes);
      done();
    });
  });
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  const Bytes set_states = bytes({0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0});
  EXPECT_EQ(ask(**host, set_states, 0, bytes({0, 0, 0, 0, 1, 0, 0, 0})).status, 0);
  keeper.join();
  const std::string group = "target/core/rd_mcp_0/ram0/alua/default_tg_pt_gp/";
  EXPECT_EQ(cat(group + "alua_access_state"), "1\n");
  EXPECT_EQ(cat(group + "alua_access_status"), "Altered by Explicit STPG\n");
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{}) << "who has set it knows";
}

// Registrations of hosts: shown, kept, and back with another unit of the device.
TEST_F(EngineTest, TheTreeShowsAndKeepsReservations) {
  std::string kept;
  engine_->set_keep({}, [&](auto, auto, auto text, auto done) {
    kept = text;
    done(true);
  });
  make_target();
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  const auto reserve_out = [&](unsigned action, unsigned type, unsigned key, unsigned new_key) {
    const Bytes cdb = bytes({0x5f, action, type, 0, 0, 0, 0, 0, 24, 0});
    const Bytes list =
        bytes({0, 0, 0, 0, 0, 0, 0, key, 0, 0, 0, 0, 0, 0, 0, new_key, 0, 0, 0, 0, 1, 0, 0, 0});
    return ask(**host, cdb, 0, list).status;
  };
  const std::string pr = "target/core/rd_mcp_0/ram0/pr/";
  EXPECT_EQ(cat(pr + "res_pr_registered_i_pts"), "SPC-3 PR Registrations:\nNone\n");
  EXPECT_EQ(reserve_out(0, 0, 0, 0xa1), 0);
  EXPECT_EQ(reserve_out(1, 5, 0xa1, 0), 0);
  EXPECT_NE(cat(pr + "res_pr_registered_i_pts").find("Key: 0x00000000000000a1 PRgen: 0x00000000"),
            std::string::npos);
  EXPECT_EQ(cat(pr + "res_pr_type"),
            "SPC-3 Reservation Type: Write Exclusive Access, Registrants Only\n");
  EXPECT_EQ(cat(pr + "res_pr_generation"), "0x00000001\n");
  EXPECT_EQ(cat(pr + "res_aptpl_active"), "APTPL Bit Status: Activated\n");
  EXPECT_NE(kept.find("sa_res_key=161\nres_holder=1\nres_type=05\n"), std::string::npos) << kept;

  EXPECT_EQ(unlink(mapped(0) + "/lun"), 0);
  EXPECT_EQ(unlink(lun(0) + "/device"), 0);
  EXPECT_EQ(cat(pr + "res_pr_registered_i_pts"), "SPC-3 PR Registrations:\nNone\n");
  std::string metadata = kept.substr(kept.find('\n'));
  metadata.resize(metadata.find("PR_REG_END"));
  EXPECT_EQ(echo(metadata, pr + "res_aptpl_metadata"), 0);
  EXPECT_EQ(cat(pr + "res_holder"), "No SPC-3 Reservation holder\n") << "its ACL maps nothing";
  link("target/core/rd_mcp_0/ram0", lun(0) + "/device");
  EXPECT_EQ(cat(pr + "res_holder"), "No SPC-3 Reservation holder\n");
  link(lun(0), mapped(0) + "/lun");
  EXPECT_NE(cat(pr + "res_holder"), "No SPC-3 Reservation holder\n");
  EXPECT_EQ(cat(pr + "res_aptpl_active"), "APTPL Bit Status: Activated\n");
  runtime::run_on(home(), [] {});
  attentions(**host);
  EXPECT_EQ(reserve_out(2, 5, 0xa1, 0), 0);
  EXPECT_EQ(cat(pr + "res_holder"), "No SPC-3 Reservation holder\n");
}

TEST_F(EngineTest, DiscoveryHearsOfPorts) {
  std::vector<std::size_t> enabled;
  runtime::run_on(home(), [&] {
    target_->watch_ports([&] {
      const auto ports = target_->list_ports();
      enabled.push_back(static_cast<std::size_t>(std::count_if(
          ports.begin(), ports.end(), [](const auto& each) { return each.enabled; })));
    });
  });
  make_target();
  runtime::run_on(home(), [] {});
  EXPECT_EQ(enabled.back(), 1u);
  EXPECT_EQ(echo("0", tpg_ + "/enable"), 0);
  runtime::run_on(home(), [] {});
  EXPECT_EQ(enabled.back(), 0u);
  runtime::run_on(home(), [&] { target_->watch_ports({}); });
}

TEST_F(EngineTest, ThePortOfRdmaCmIsListenedAt) {
  mkdir("target/srpt");
  EXPECT_EQ(echo("5555", "target/srpt/discovery_auth/rdma_cm_port"), 0);
  EXPECT_EQ(runtime::run_on(home(), [this] { return listening_; }), 5555);
}

}  // namespace
}  // namespace srpd::control
