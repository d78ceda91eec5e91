// An engine with a real target, LIO's tree on it, and a host on TCP.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "control/engine.h"
#include "initiator/client.h"
#include "lio/root.h"
#include "runtime/thread.h"
#include "support/scsi_device.h"
#include "transport/iwarp/transport.h"
#include "tree/tree.h"

namespace srpd::control {

using test::Bytes;
using test::bytes;

inline constexpr const char* port = "target/srpt/0x00000000000000000002c903000e8acc";
inline constexpr const char* host_name = "0x00000000000000000000000000000077";

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

}  // namespace srpd::control
