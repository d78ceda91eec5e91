// LIO's tree drives a real target: what a shell would do to the tree is done to it here, and a host
// on TCP sees what comes of it.
#include "control/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "control/json_reader.h"
#include "control/tree_restore.h"
#include "control/tree_save.h"
#include "initiator/client.h"
#include "lio/access_states.h"
#include "lio/root.h"
#include "runtime/thread.h"
#include "support/hex.h"
#include "support/scsi_device.h"
#include "support/tcp_device.h"
#include "transport/iwarp/transport.h"
#include "tree/tree.h"

namespace srpd::control {
namespace {

using test::Bytes;
using test::bytes;
using testing::HasSubstr;

constexpr const char* port = "target/srpt/0x00000000000000000002c903000e8acc";
constexpr const char* host_name = "0x00000000000000000000000000000077";

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    runtime::run_on(home(), [this] {
      target_ = std::make_unique<target::Target>(std::vector<runtime::Loop*>{&home()},
                                                 target::TargetOptions{});
      address_ = *target_->listen(*transport_, *transport::Address::parse("127.0.0.1:0", 0));
    });
    engine_ = std::make_unique<Engine>(
        *target_, home(),
        Engine::Daemon{.listen =
                           [this](std::uint16_t wanted) {
                             listening_ = wanted;
                             return Expected<void>{};
                           },
                       .lend = [this](auto& memory) { EXPECT_TRUE(lent_.insert(&memory).second); },
                       .take_back = [this](auto& memory) { EXPECT_EQ(lent_.erase(&memory), 1u); }});
    tree_ = std::make_unique<tree::Tree>(lio::make_root(*engine_, lio::Options{}));
  }

  ~EngineTest() override {
    runtime::run_on_until_done(home(), [&](auto done) {
      target_->shutdown(done);
      return true;
    });
    runtime::run_on(home(), [this] { target_.reset(); });
    tree_.reset();
    runtime::run_on(home(), [this] { engine_.reset(); });
  }

  runtime::Loop& home() { return thread_->loop(); }

  // What the shell would say.

  tree::Id at(const std::string& path) {
    const auto id = tree_->resolve(path);
    EXPECT_TRUE(id) << path << ": " << id.error().cause;
    return id.value_or(0);
  }
  static std::pair<std::string, std::string> split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return {path.substr(0, slash), path.substr(slash + 1)};
  }
  void mkdir(const std::string& path) {
    for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1))
      if (!tree_->resolve(path.substr(0, end))) make(path.substr(0, end));
    make(path);
  }
  void make(const std::string& path) {
    const auto [parent, name] = split(path);
    const auto made = tree_->mkdir(at(parent), name);
    EXPECT_TRUE(made) << path << ": " << made.error().cause;
  }
  int rmdir(const std::string& path) {
    const auto [parent, name] = split(path);
    const auto gone = tree_->rmdir(at(parent), name);
    return gone ? 0 : gone.error().code;
  }
  int echo(const std::string& text, const std::string& path) {
    const auto written = tree_->write(at(path), text);
    return written ? 0 : written.error().code;
  }
  std::string cat(const std::string& path) { return tree_->read(at(path)).value_or("(error)"); }
  void link(const std::string& target, const std::string& path) {
    const auto [parent, name] = split(path);
    const auto made = tree_->symlink(at(parent), name, at(target));
    EXPECT_TRUE(made) << path << ": " << made.error().cause;
  }
  int unlink(const std::string& path) {
    const auto [parent, name] = split(path);
    const auto gone = tree_->unlink(at(parent), name);
    return gone ? 0 : gone.error().code;
  }

  // Things that tests begin with.

  void make_ramdisk(const std::string& device, unsigned pages, const std::string& serial) {
    const std::string path = "target/core/" + device;
    mkdir(path);
    EXPECT_EQ(echo("rd_pages=" + std::to_string(pages), path + "/control"), 0);
    EXPECT_EQ(echo("1\n", path + "/enable"), 0);
    EXPECT_EQ(echo(serial, path + "/wwn/vpd_unit_serial"), 0);
  }
  std::string lun(unsigned number) { return tpg_ + "/lun/lun_" + std::to_string(number); }
  std::string mapped(unsigned number) { return acl_ + "/lun_" + std::to_string(number); }
  void make_lun(unsigned number, const std::string& device) {
    mkdir(lun(number));
    link("target/core/" + device, lun(number) + "/device");
  }
  void map(unsigned number, unsigned to) {
    mkdir(mapped(number));
    link(lun(to), mapped(number) + "/lun");
  }
  void make_target() {
    make_ramdisk("rd_mcp_0/ram0", 64, "serial-of-ram0");
    mkdir(tpg_);
    make_lun(0, "rd_mcp_0/ram0");
    mkdir(acl_);
    map(0, 0);
    EXPECT_EQ(echo("1", tpg_ + "/enable"), 0);
  }

  // The host.

  Expected<std::unique_ptr<initiator::Client>> log_in() {
    initiator::SessionOptions options;
    options.address = address_;
    options.initiator[15] = std::byte{0x77};
    options.reconnect = false;
    return initiator::Client::connect(*host_loop_, *host_transport_, options);
  }
  // Status, and the sense code of a CHECK CONDITION.
  struct Answer {
    int error = 0;
    int status = 0;
    unsigned code = 0;
    Bytes data;
  };
  static Answer ask(initiator::Client& host, const Bytes& cdb, unsigned number = 0,
                    const Bytes& out = {}, std::size_t in = 0) {
    initiator::Request request;
    std::copy(cdb.begin(), cdb.end(), request.cdb.begin());
    request.cdb_length = static_cast<std::uint8_t>(cdb.size());
    request.lun = scsi::encode_lun(number);
    Answer answer;
    answer.data.resize(in);
    request.data_in = answer.data;
    request.data_out = out;
    host.execute(request);
    answer.error = request.error;
    answer.status = request.status;
    const Bytes sense(request.sense_bytes().begin(), request.sense_bytes().end());
    if (const auto decoded = test::decode_sense(sense)) answer.code = decoded->code;
    return answer;
  }
  // Past the unit attentions, whose codes it returns. Hosts are told of changes at the end of a
  // turn of the loop.
  std::vector<unsigned> attentions(initiator::Client& host, unsigned number = 0) {
    runtime::run_on(home(), [] {});
    std::vector<unsigned> codes;
    for (Answer answer = ask(host, test_unit_ready, number); answer.status == 2;
         answer = ask(host, test_unit_ready, number)) {
      codes.push_back(answer.code);
      if (codes.size() == 10) break;
    }
    return codes;
  }

  inline static const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});
  inline static const Bytes write_one = bytes({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  inline static const Bytes read_one = bytes({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0});

  const std::string tpg_ = std::string(port) + "/tpgt_1";
  const std::string acl_ = tpg_ + "/acls/" + host_name;
  std::unique_ptr<transport::Transport> transport_ = transport::iwarp::make_transport({});
  std::set<runtime::PinnableMemory*> lent_;  ///< of home
  std::unique_ptr<runtime::LoopThread> thread_ =
      std::move(*runtime::LoopThread::start({.name = "target", .cpu = {}, .loop = {}}));
  std::unique_ptr<target::Target> target_;
  transport::Address address_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<tree::Tree> tree_;
  std::uint16_t listening_ = 0;
  std::unique_ptr<runtime::Loop> host_loop_ = std::move(*runtime::make_loop({}));
  std::unique_ptr<transport::Transport> host_transport_ = transport::iwarp::make_transport({});
};

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
  EXPECT_EQ(resize("target/core/rd_mcp_0/ram0", 1 << 20), 0);
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x2a09});
  EXPECT_EQ(test::to_hex(ask(**host, read_capacity, 0, {}, 8).data), "000007ff00000200");
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

// As a saved configuration is restored: the disk is not there yet.
TEST_F(EngineTest, WhatIsMissingIsWaitedFor) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const std::string device = "target/core/fileio_0/file0";
  make_target();
  engine_->set_patient(true);
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  engine_->set_patient(false);
  EXPECT_FALSE(std::filesystem::exists(file.path())) << "it must not be made instead";
  EXPECT_EQ(echo("the-serial", device + "/wwn/vpd_unit_serial"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  make_lun(2, "fileio_0/file0");
  map(2, 2);
  map(3, 2);
  EXPECT_EQ(echo("1", mapped(2) + "/write_protect"), 0);
  EXPECT_EQ(unlink(mapped(3) + "/lun"), 0);

  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  EXPECT_EQ(ask(**host, test_unit_ready, 1).code, 0x2500u);
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  ASSERT_EQ(engine_->waiting().size(), 1u);
  EXPECT_EQ(engine_->waiting()[0].spec.name, "file0");
  EXPECT_THAT(engine_->waiting()[0].why.text(), HasSubstr("the file does not exist; mount"));

  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  const auto arrivals = engine_->look_for_waiting();
  ASSERT_EQ(arrivals.size(), 1u);
  lio::device_arrived(*tree_, arrivals[0].id, arrivals[0].spec, arrivals[0].properties);
  EXPECT_TRUE(engine_->waiting().empty());
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x3f0e});
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  attentions(**host, 2);
  EXPECT_EQ(ask(**host, write_one, 2, test::pattern(512, 1)).code, 0x2700u);
  EXPECT_EQ(ask(**host, test_unit_ready, 3).code, 0x2500u) << "it was taken away meanwhile";
  EXPECT_EQ(ask(**host, read_one, 2, {}, 512).data, test::pattern(512, 1));
}

// As ten thousand of them are restored: nobody waits for each.
TEST_F(EngineTest, WhatAPatientThreadAddsIsThereForWhatComesNext) {
  make_target();
  engine_->set_patient(true);
  make_lun(7, "rd_mcp_0/ram0");
  map(7, 7);
  EXPECT_EQ(echo("1", mapped(7) + "/write_protect"), 0);
  engine_->set_patient(false);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 7);
  EXPECT_EQ(ask(**host, test_unit_ready, 7).status, 0);
  EXPECT_EQ(ask(**host, write_one, 7, test::pattern(512, 1)).code, 0x2700u);
}

// What changes a byte of a file behind srpd's back.
void damage(const std::string& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.put('\xa5');
}

TEST_F(EngineTest, ProtectionInformationIsAsTheAttributesSay) {
  const test::TemporaryFile file;
  const std::string side = file.path() + ".protection";
  const std::string device = "target/core/fileio_0/file0";
  const std::string attrib = device + "/attrib/";
  make_target();
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576,fd_buffered_io=1",
                 device + "/control"),
            0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_type"), ENODEV);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), ENODEV);
  EXPECT_EQ(echo("1", attrib + "pi_prot_type"), 0);
  EXPECT_EQ(cat(attrib + "pi_prot_verify"), "1\n") << "LIO sets it with the type";
  EXPECT_EQ(std::filesystem::file_size(side), 16384u);
  EXPECT_EQ(echo("4096", attrib + "block_size"), EINVAL);
  damage(side, 7);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  EXPECT_EQ(echo("3", attrib + "pi_prot_type"), EINVAL);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).status, 0);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).data, test::pattern(512, 1));
  damage(side, 3);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1002u);
  EXPECT_EQ(echo("0", attrib + "pi_prot_verify"), 0) << "while hosts use it";
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).status, 0);
  damage(file.path(), 9);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1001u);
  EXPECT_EQ(echo("fd_dev_size=2097152", device + "/control"), 0);
  EXPECT_EQ(std::filesystem::file_size(side), 32768u);
  attentions(**host, 1);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(echo("0", attrib + "pi_prot_type"), 0);
  EXPECT_EQ(cat(attrib + "pi_prot_verify"), "0\n");
  EXPECT_EQ(rmdir(device), 0);
  EXPECT_EQ(std::filesystem::file_size(side), 32768u) << "it stays, as on LIO";
  std::filesystem::remove(side);
}

TEST_F(EngineTest, ProtectionInformationOfMemory) {
  const std::string attrib = "target/core/rd_mcp_1/ram1/attrib/";
  make_target();
  make_ramdisk("rd_mcp_1/ram1", 64, "serial-of-ram1");
  for (const char* type : {"3", "1", "0", "1"}) EXPECT_EQ(echo(type, attrib + "pi_prot_type"), 0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), ENOSYS);
  make_lun(1, "rd_mcp_1/ram1");
  map(1, 1);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).data, test::pattern(512, 1));
  mkdir("target/core/rd_mcp_2/null");
  EXPECT_EQ(echo("rd_pages=64,rd_nullio=1", "target/core/rd_mcp_2/null/control"), 0);
  EXPECT_EQ(echo("1", "target/core/rd_mcp_2/null/enable"), 0);
  EXPECT_EQ(echo("1", "target/core/rd_mcp_2/null/attrib/pi_prot_type"), 0);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir("target/core/rd_mcp_1/ram1"), 0);
}

// Without its protection information nothing is served that is to have it.
TEST_F(EngineTest, ProtectionInformationIsWaitedForToo) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const std::string side = file.path() + ".protection";
  const std::string device = "target/core/fileio_0/file0";
  make_target();
  engine_->set_patient(true);
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  engine_->set_patient(false);
  EXPECT_EQ(echo("1", device + "/attrib/pi_prot_type"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  std::filesystem::create_directory(side);
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  EXPECT_THAT(engine_->waiting().at(0).why.text(), HasSubstr(".protection"));
  std::filesystem::remove(side);
  ASSERT_EQ(engine_->look_for_waiting().size(), 1u);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  damage(file.path(), 9);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1001u);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir(device), 0);
  std::filesystem::remove(side);
}

// What is only assumed of it is not to get into the saved configuration.
TEST_F(EngineTest, WhatIsWaitedForIsSavedAsItWas) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const auto object = [](const char* name, const std::string& rest) {
    return std::string(R"({"plugin": "block", "dev": "/dev/no-such-device", "name": ")") + name +
           "\"" + rest + "}";
  };
  const std::string said =
      R"({"block_size": 4096, "emulate_tpu": 1, "emulate_write_cache": 1, "is_nonrot": 1,)"
      R"( "max_unmap_lba_count": 8388607, "max_write_same_len": 65535, "optimal_sectors": 1024,)"
      R"( "queue_depth": 256})";
  const std::string text =
      R"({"targets": [], "storage_objects": [)" +
      object("said", R"(, "write_back": true, "attributes": )" + said) + "," +
      object("unsaid", "") +
      R"(, {"plugin": "fileio", "name": "late", "size": 1048576, "attributes":)"
      R"( {"max_unmap_lba_count": 77, "queue_depth": 4096}, "dev": ")" +
      file.path() + "\"}]}";
  engine_->set_patient(true);
  const auto problems = restore_tree(*tree_, text);
  engine_->set_patient(false);
  ASSERT_TRUE(problems);
  EXPECT_EQ(problems->size(), 0u) << problems->front().text();
  ASSERT_EQ(engine_->waiting().size(), 3u);

  const Json objects = (*parse_json(save_tree(*tree_).text))["storage_objects"];
  const auto saved = [&](const char* name) {
    for (const Json& each : objects)
      if (each["name"] == name) return each;
    return Json();
  };
  const Json wanted = *parse_json(said);
  for (const auto& [name, value] : wanted.items())
    EXPECT_EQ(saved("said")["attributes"].value(name, Json()), value) << name;
  EXPECT_EQ(saved("said").value("write_back", Json()), true);
  EXPECT_FALSE(saved("said")["attributes"].contains("max_unmap_block_desc_count"));
  EXPECT_FALSE(saved("unsaid").contains("write_back"));
  for (const char* name : {"block_size", "max_unmap_lba_count", "queue_depth"})
    EXPECT_FALSE(saved("unsaid")["attributes"].contains(name)) << name;
  EXPECT_TRUE(saved("unsaid")["attributes"].contains("emulate_tas"));
  EXPECT_EQ(saved("late")["write_back"], false);

  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  const auto arrivals = engine_->look_for_waiting();
  ASSERT_EQ(arrivals.size(), 1u);
  lio::device_arrived(*tree_, arrivals[0].id, arrivals[0].spec, arrivals[0].properties);
  const std::string late = arrivals[0].spec.hba + "/late/attrib/";
  EXPECT_EQ(cat("target/core/" + late + "max_unmap_lba_count"), "77\n");
  EXPECT_EQ(cat("target/core/" + late + "queue_depth"), "128\n") << "it has no more";
  EXPECT_TRUE(parse_json(save_tree(*tree_).text)->dump().find("max_unmap_block_desc_count") !=
              std::string::npos);
}

TEST_F(EngineTest, WhatIsWaitedForCanBeRemoved) {
  make_target();
  engine_->set_patient(true);
  const std::string device = "target/core/iblock_0/gone";
  mkdir(device);
  EXPECT_EQ(echo("udev_path=/dev/no-such-device", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  make_lun(1, "iblock_0/gone");
  map(1, 1);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir(device), 0);
  EXPECT_TRUE(engine_->waiting().empty());
  EXPECT_TRUE(engine_->look_for_waiting().empty());
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
