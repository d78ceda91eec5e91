// A target on simulated loops with one unit on a held store, and hosts that log in through the mock
// transport. For the engine's tests and its fuzzer: what must never happen is a CHECK.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "runtime/simulated_loop.h"
#include "scsi/lu.h"
#include "srp/login.h"
#include "support/held_store.h"
#include "support/mock_channel.h"
#include "target/target.h"

namespace srpd::test {

using namespace std::chrono_literals;

struct WorldOptions {
  std::size_t loops = 1;
  target::TargetOptions target;
  bool open = true;
  std::vector<target::NodeAcl> acls;
  bool any_identifier = true;
};

class World {
 public:
  explicit World(WorldOptions options = {});
  /// Ends every session and checks that nothing is left.
  ~World();

  /// One of the units; LUN 0 and 1 of the port.
  HeldStore& store(std::size_t index = 0) { return *stores_[index]; }
  scsi::Lu& lu(std::size_t index = 0) { return *lus_[index]; }
  const std::shared_ptr<scsi::Lu>& shared_lu(std::size_t index = 0) { return lus_[index]; }
  /// The world's share of a unit; its store goes with the last one.
  void forget_lu(std::size_t index) {
    stores_[index] = nullptr;
    lus_[index].reset();
  }
  runtime::SimulatedLoop& loop(std::size_t index = 0) { return *loops_[index]; }
  target::Target& target() { return *target_; }
  target::PortHandle port() const { return port_; }
  transport::Listener::Handler& listener() { return transport_.handler(); }

  /// Lets everything happen that needs no time to pass.
  void settle() { simulation_.run_until(simulation_.now()); }
  void pass(runtime::Time time) { simulation_.run_until(simulation_.now() + time); }

  srp::LoginRequest login_request() const;
  /// Sends the request, settles. The login lives as long as the world.
  MockLogin& login(const srp::LoginRequest& request, const std::string& peer = "192.0.2.1:1000",
                   bool address_is_identity = true);
  MockLogin& login() { return login(login_request()); }
  MockLogin& login_raw(Bytes private_data, const std::string& peer = "192.0.2.1:1000",
                       bool address_is_identity = true,
                       transport::LoginForm form = transport::LoginForm::rdma_cm);

  std::vector<target::SessionInfo> sessions();
  bool shut_down_done() const { return done_; }
  void shut_down();

 private:
  runtime::Simulation simulation_{1};
  std::vector<std::unique_ptr<runtime::SimulatedLoop>> loops_;
  std::vector<HeldStore*> stores_;
  std::vector<std::shared_ptr<scsi::Lu>> lus_;
  MockTransport transport_;
  std::unique_ptr<target::Target> target_;
  target::PortHandle port_{};
  std::vector<std::unique_ptr<MockLogin>> logins_;
  bool shutting_down_ = false;
  bool done_ = false;
};

inline transport::Address address_of(const std::string& text) {
  auto parsed = transport::Address::parse(text, 5555);
  CHECK(parsed.has_value());
  return *parsed;
}

inline World::World(WorldOptions options) {
  std::vector<runtime::Loop*> loops;
  for (std::size_t i = 0; i < options.loops; ++i) {
    loops_.push_back(std::make_unique<runtime::SimulatedLoop>(simulation_));
    loops.push_back(loops_.back().get());
  }
  target::PortDescription port;
  port.scsi.name = "0xfe800000000000000000000000000001";
  port.scsi.id[15] = std::byte{1};
  port.any_identifier = options.any_identifier;
  port.open = options.open;
  port.acls = std::move(options.acls);
  for (std::uint32_t i = 0; i < 2; ++i) {
    auto store = std::make_unique<HeldStore>();
    stores_.push_back(store.get());
    const auto attributes = scsi::default_attributes(store->properties());
    scsi::LuIdentity identity;
    identity.name = "disk" + std::to_string(i);
    identity.unit_serial = "00000000-0000-0000-0000-00000000000" + std::to_string(i);
    lus_.push_back(std::make_shared<scsi::Lu>(identity, attributes, std::move(store)));
    port.luns.push_back({.number = i, .lu = lus_.back(), .write_protected = false});
  }
  target_ = std::make_unique<target::Target>(loops, options.target);
  const auto added = target_->add_port(port);
  CHECK(added.has_value());
  port_ = *added;
  CHECK(target_->listen(transport_, {}).has_value());
}

inline World::~World() {
  for (HeldStore* store : stores_) {
    if (store == nullptr) continue;
    store->hold = false;
    store->let_go();
  }
  for (const auto& login : logins_) {
    login->host.hold_sends = login->host.hold_reads = false;
    if (login->channel != nullptr && !login->host.destroyed) login->channel->complete_all();
  }
  if (!shutting_down_) shut_down();
  pass(10s);
  CHECK(done_);
  for (const auto& login : logins_) {
    CHECK(login->channel == nullptr || login->host.destroyed);
    CHECK(!(login->host.violation));
  }
}

inline void World::shut_down() {
  shutting_down_ = true;
  target_->shutdown([this] { done_ = true; });
  settle();
}

inline srp::LoginRequest World::login_request() const {
  srp::LoginRequest request;
  request.max_iu = 8260;
  request.flags = wire::srp::immediate_requested;
  request.immediate_offset = 68;
  request.initiator[15] = std::byte{9};
  request.target[15] = std::byte{1};
  return request;
}

inline MockLogin& World::login(const srp::LoginRequest& request, const std::string& peer,
                               bool address_is_identity) {
  const auto iu = srp::build_login_rdma(request);
  const auto bytes = wire::bytes_of(iu);
  return login_raw({bytes.begin(), bytes.end()}, peer, address_is_identity);
}

inline MockLogin& World::login_raw(Bytes private_data, const std::string& peer,
                                   bool address_is_identity, transport::LoginForm form) {
  logins_.push_back(std::make_unique<MockLogin>());
  MockLogin& login = *logins_.back();
  listener().on_request(std::make_unique<MockConnectRequest>(
      login, std::move(private_data), address_of(peer), address_is_identity, form));
  settle();
  return login;
}

inline std::vector<target::SessionInfo> World::sessions() {
  std::vector<target::SessionInfo> all;
  bool reported = false;
  target_->list_sessions([&](std::vector<target::SessionInfo> infos) {
    all = std::move(infos);
    reported = true;
  });
  settle();
  CHECK(reported);
  return all;
}

}  // namespace srpd::test
