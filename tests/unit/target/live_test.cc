// Administration while hosts work: what they see of it, and that everything ends.
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "support/target_host.h"

namespace srpd::test {
namespace {

constexpr std::uint8_t check_condition = 0x02;
constexpr std::uint8_t task_aborted = 0x40;

/// Closed port 0 with an ACL for 192.0.2.1 that shows LUN 0 as 0 and LUN 1 as 5.
class Live : public testing::Test {
 protected:
  Live() : Live(closed()) {}
  explicit Live(WorldOptions options) : world(std::move(options)) {}

  static WorldOptions closed() { return closed(1); }
  static WorldOptions closed(std::size_t loops) {
    WorldOptions options;
    options.loops = loops;
    options.open = false;
    options.acls.push_back(
        {.key = *target::AclKey::parse(acl), .luns = {{0, 0, false}, {5, 1, false}}});
    return options;
  }
  static constexpr const char* acl = "192.0.2.1";

  target::Target& target() { return world.target(); }
  target::PortHandle port() { return world.port(); }
  /// `done` of an operation that tells whether the store still holds something.
  target::Target::Removed removed() {
    return [this](bool held) { held_ = held; };
  }
  target::Target::Done done() {
    return [this] { done_ = true; };
  }

  /// Additional sense code of a TEST UNIT READY; 0: GOOD.
  static unsigned ready(Host& host, std::uint32_t number) {
    host.test_unit_ready(0x7777, scsi::encode_lun(number));
    return code_of(host.response());
  }
  static unsigned code_of(const srp::Response& response) {
    if (response.status == 0) return 0;
    EXPECT_EQ(response.status, check_condition);
    EXPECT_GE(response.sense.size(), 14u);
    return std::to_integer<unsigned>(response.sense[12]) << 8 |
           std::to_integer<unsigned>(response.sense[13]);
  }
  /// A new nexus's conditions are taken.
  static void settle_in(Host& host, std::initializer_list<std::uint32_t> numbers) {
    for (const std::uint32_t number : numbers) EXPECT_EQ(ready(host, number), 0x2900u);
    host.memory(1).resize(4096);
  }
  static std::vector<std::uint64_t> report_luns(Host& host) {
    constexpr std::uint32_t room = 8 + 16384 * 8;
    std::array<std::byte, 12> cdb{std::byte{0xa0}};
    const wire::be32 length = room;
    std::memcpy(&cdb[6], &length, 4);
    host.memory(9).assign(room, std::byte{});
    const srp::MemoryDescriptor to{0u, 9u, room};
    srp::CommandSpec spec;
    spec.cdb = cdb;
    spec.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
    host.command(spec);
    EXPECT_EQ(host.response().status, 0);
    const Bytes& list = host.memory(9);
    std::vector<std::uint64_t> luns(get<wire::be32>(list, 0) / 8);
    for (std::size_t i = 0; i < luns.size(); ++i) luns[i] = get<wire::be64>(list, 8 + 8 * i);
    return luns;
  }
  template <class Layout>
  static Layout get(const Bytes& bytes, std::size_t at) {
    Layout value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }

  World world;
  std::optional<bool> held_;
  bool done_ = false;
};

TEST_F(Live, MappedLunsComeAndGo) {
  Host host(world);
  settle_in(host, {0, 5});
  ASSERT_TRUE(target().map_lun(port(), acl, {7, 1, false}).has_value());
  world.settle();
  EXPECT_EQ(report_luns(host), (std::vector<std::uint64_t>{0, 5ull << 48, 7ull << 48}));
  EXPECT_EQ(ready(host, 7), 0x2900u);  // a new I_T_L nexus
  EXPECT_EQ(ready(host, 0), 0u);       // the list told it

  ASSERT_TRUE(target().unmap_lun(port(), acl, 5, removed()).has_value());
  world.settle();
  EXPECT_EQ(held_, false);
  EXPECT_EQ(ready(host, 5), 0x2500u);
  EXPECT_EQ(ready(host, 0), 0x3f0eu);
  EXPECT_EQ(ready(host, 7), 0x3f0eu);
  EXPECT_EQ(ready(host, 0), 0u);
  EXPECT_EQ(world.shared_lu(1).use_count(), 3);  // the world, the LUN, the mapping of 7
}

TEST_F(Live, SeveralChangesAreOneUnitAttention) {
  Host host(world);
  settle_in(host, {0, 5});
  for (std::uint32_t number = 10; number < 20; ++number)
    ASSERT_TRUE(target().map_lun(port(), acl, {number, 0, false}).has_value());
  world.settle();
  EXPECT_EQ(ready(host, 0), 0x3f0eu);
  EXPECT_EQ(ready(host, 0), 0u);
  EXPECT_EQ(ready(host, 10), 0x2900u);
  EXPECT_EQ(ready(host, 10), 0u);
}

TEST_F(Live, LunsThatStayKeepTheirUnitAttentions) {
  Host host(world);
  settle_in(host, {0});
  world.lu(1).on_size_changed(1 << 19);
  ASSERT_TRUE(target().unmap_lun(port(), acl, 0, nullptr).has_value());
  world.settle();
  EXPECT_EQ(ready(host, 5), 0x2900u);
  EXPECT_EQ(ready(host, 5), 0x3f0eu);
  EXPECT_EQ(ready(host, 5), 0x2a09u);
}

TEST_F(Live, WriteProtectionChanges) {
  Host host(world);
  settle_in(host, {0});
  ASSERT_TRUE(target().set_write_protect(port(), acl, 0, true).has_value());
  host.write(1, 0, 8, 1);
  EXPECT_EQ(code_of(host.response()), 0x2a01u);
  host.write(2, 0, 8, 1);
  EXPECT_EQ(code_of(host.response()), 0x2700u);
  ASSERT_TRUE(target().set_write_protect(port(), acl, 0, true).has_value());
  EXPECT_EQ(ready(host, 0), 0u);  // nothing new
  ASSERT_TRUE(target().set_write_protect(port(), acl, 0, false).has_value());
  EXPECT_EQ(ready(host, 0), 0x2a01u);
  host.write(3, 0, 8, 1);
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(Live, AReadOnlyLunStaysReadOnly) {
  ASSERT_TRUE(target().add_lun(port(), {9, world.shared_lu(), true}).has_value());
  ASSERT_TRUE(target().map_lun(port(), acl, {9, 9, false}).has_value());
  Host host(world);
  settle_in(host, {9});
  ASSERT_TRUE(target().set_write_protect(port(), acl, 9, false).has_value());
  host.write(1, 0, 8, 1, scsi::encode_lun(9));
  EXPECT_EQ(code_of(host.response()), 0x2700u);
}

TEST_F(Live, RemovalLetsCommandsFinish) {
  Host host(world);
  settle_in(host, {0, 5});
  world.store().hold = true;
  host.write(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.pass(1s);
  EXPECT_FALSE(held_.has_value());
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_EQ(ready(host, 0), 0x2500u);  // no new ones
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(held_, false);
  EXPECT_EQ(world.shared_lu().use_count(), 1);
}

TEST_F(Live, AStuckStoreIsLeftToItself) {
  Host host(world);
  settle_in(host, {0, 5});
  world.store().hold = true;
  host.write(1, 0, 8, 1);
  host.read(2, 8, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.pass(1900ms);
  EXPECT_FALSE(held_.has_value());
  world.pass(200ms);
  EXPECT_EQ(held_, true);
  for (const std::uint64_t tag : {1u, 2u}) {
    const auto response = host.response();
    EXPECT_EQ(response.tag, wire::srp::to_tag(tag));
    EXPECT_EQ(response.status, task_aborted);
    EXPECT_EQ(response.req_lim_delta, 1);
  }
  EXPECT_EQ(ready(host, 5), 0x3f0eu);

  // The owner lets go of the unit, then the store of the operations.
  HeldStore& store = world.store();
  const std::weak_ptr<scsi::Lu> unit = world.shared_lu();
  world.forget_lu(0);
  EXPECT_FALSE(unit.expired());
  host.wire().trace.clear();
  store.let_go();
  world.settle();
  EXPECT_TRUE(unit.expired());
  EXPECT_TRUE(host.wire().trace.empty());
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_EQ(ready(host, 5), 0u);
}

TEST_F(Live, WhatHasNotStartedIsAnsweredToo) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  const auto cdb = cdb10(0x28, 0, 8);
  const srp::MemoryDescriptor to{0u, 1u, 4096u};
  srp::CommandSpec ordered;
  ordered.tag = wire::srp::to_tag(2);
  ordered.cdb = cdb;
  ordered.task_attribute = 2;
  ordered.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
  host.command(ordered);
  EXPECT_EQ(world.store().held(), 1u);
  ASSERT_TRUE(target().unmap_lun(port(), acl, 0, removed()).has_value());
  world.pass(2100ms);
  EXPECT_EQ(held_, true);
  EXPECT_EQ(host.response().status, task_aborted);
  EXPECT_EQ(host.response().status, task_aborted);
  EXPECT_EQ(world.store().held(), 1u);  // the second one never began
}

TEST_F(Live, AnAbortedCommandIsNotAnsweredByARemoval) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(2, srp::TaskFunction::abort_task, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.pass(5s);
  EXPECT_EQ(held_, true);
  EXPECT_EQ(host.response().tag, wire::srp::to_tag(2));
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(Live, TasksOfARemovedLunCanBeAborted) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  host.task_management(2, srp::TaskFunction::abort_task, 9);
  EXPECT_EQ(host.response().code, srp::ResponseCode::request_invalid);
  host.task_management(3, srp::TaskFunction::abort_task, 1);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().code, srp::ResponseCode::no_failure);
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_EQ(held_, false);
}

// A host forgets its commands at a LUN with the answer to a reset, whatever the LUN was when they
// began.
TEST_F(Live, AResetReachesCommandsFromBeforeTheLunWasReplaced) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  ASSERT_TRUE(target().add_lun(port(), {0, world.shared_lu(1), false}).has_value());
  ASSERT_TRUE(target().map_lun(port(), acl, {0, 0, false}).has_value());
  host.task_management(2, srp::TaskFunction::lun_reset);
  EXPECT_EQ(host.waiting(), 0u);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().code, srp::ResponseCode::no_failure);
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_EQ(held_, false);
}

TEST_F(Live, TaskManagementKeepsTheLunItNames) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(2, srp::TaskFunction::lun_reset);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.settle();
  world.store().let_go();
  world.settle();
  EXPECT_EQ(held_, false);
  EXPECT_EQ(host.response().code, srp::ResponseCode::no_failure);
}

TEST_F(Live, ASessionMayEndWhileItsLunIsRemoved) {
  std::optional<Host> host(std::in_place, world);
  settle_in(*host, {0});
  world.store().hold = true;
  host->write(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  host->channel().close(transport::CloseReason::Kind::peer_reset);
  world.pass(3s);
  EXPECT_EQ(held_, true);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(world.shared_lu().use_count(), 1);
  EXPECT_TRUE(world.sessions().empty());
}

TEST_F(Live, ARemovedAndAddedNumberIsANewLun) {
  Host host(world);
  settle_in(host, {0, 5});
  ASSERT_TRUE(target().remove_lun(port(), 1, nullptr).has_value());
  EXPECT_FALSE(target().mapped_lun_count(port(), acl, 5).has_value());  // the mapping went with it
  ASSERT_TRUE(target().add_lun(port(), {1, world.shared_lu(0), false}).has_value());
  EXPECT_EQ(ready(host, 5), 0x2500u);
  ASSERT_TRUE(target().map_lun(port(), acl, {5, 1, false}).has_value());
  EXPECT_EQ(ready(host, 5), 0x2900u);
}

TEST_F(Live, RemovingAnAclEndsItsSessions) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_acl(port(), acl, done()).has_value());
  EXPECT_TRUE(world.login(world.login_request()).rejected);
  world.pass(1900ms);
  EXPECT_FALSE(done_);
  world.pass(200ms);
  EXPECT_TRUE(done_);
  EXPECT_FALSE(host.alive());
  EXPECT_EQ(host.wire().trace.back(), "send 128");  // SRP_T_LOGOUT
  // Added again, the host has a nexus of its own while the old one waits for the store.
  ASSERT_TRUE(target().add_acl(port(), *target::AclKey::parse(acl)).has_value());
  ASSERT_TRUE(target().map_lun(port(), acl, {3, 1, false}).has_value());
  auto request = world.login_request();
  request.flags |= wire::srp::multi_channel_multi;
  Host again(world, world.login(request));
  EXPECT_EQ(ready(again, 0), 0x2500u);
  EXPECT_EQ(ready(again, 3), 0x2900u);
}

TEST_F(Live, WrongNamesChangeNothing) {
  EXPECT_FALSE(target().add_acl(port(), *target::AclKey::parse(acl)).has_value());
  EXPECT_FALSE(target().remove_acl(port(), "192.0.2.9", done()).has_value());
  EXPECT_FALSE(target().map_lun(port(), "192.0.2.9", {0, 0, false}).has_value());
  EXPECT_FALSE(target().map_lun(port(), acl, {0, 1, false}).has_value());
  EXPECT_FALSE(target().map_lun(port(), acl, {1, 9, false}).has_value());
  EXPECT_FALSE(target().map_lun(port(), acl, {16384, 1, false}).has_value());
  EXPECT_FALSE(target().unmap_lun(port(), acl, 1, removed()).has_value());
  EXPECT_FALSE(target().set_write_protect(port(), acl, 1, true).has_value());
  EXPECT_FALSE(target().add_lun(port(), {0, world.shared_lu(), false}).has_value());
  EXPECT_FALSE(target().add_lun(port(), {16384, world.shared_lu(), false}).has_value());
  EXPECT_FALSE(target().remove_lun(port(), 2, removed()).has_value());
  EXPECT_FALSE(target().close_session(1, done()).has_value());
  EXPECT_FALSE(target().enable_port(target::PortHandle{77}).has_value());
  EXPECT_FALSE(done_ || held_.has_value());
}

TEST_F(Live, DisabledPortsRefuseLogins) {
  Host host(world);
  settle_in(host, {0});
  ASSERT_TRUE(target().disable_port(port(), done()).has_value());
  world.settle();
  EXPECT_TRUE(done_);
  EXPECT_FALSE(host.alive());
  EXPECT_TRUE(world.login(world.login_request()).rejected);
  EXPECT_NE(target().refusals().back().cause.find("disabled"), std::string::npos);
  ASSERT_TRUE(target().enable_port(port()).has_value());
  EXPECT_TRUE(world.login(world.login_request()).accepted);
}

TEST_F(Live, PortsComeAndGo) {
  target::PortDescription description;
  description.scsi.id[15] = std::byte{2};
  description.open = true;
  description.luns.push_back({0, world.shared_lu(1), false});
  const auto added = target().add_port(description);
  ASSERT_TRUE(added.has_value());
  auto request = world.login_request();
  request.target[15] = std::byte{2};
  Host host(world, world.login(request));
  settle_in(host, {0});
  Host other(world);
  settle_in(other, {0});
  world.store(1).hold = true;
  host.read(1, 0, 8, 1);

  ASSERT_TRUE(target().remove_port(*added, removed()).has_value());
  EXPECT_FALSE(target().remove_port(*added, removed()).has_value());
  world.pass(5s);
  EXPECT_EQ(held_, true);
  EXPECT_FALSE(host.alive());
  EXPECT_EQ(ready(other, 0), 0u);
  world.store(1).let_go();
  world.settle();
  EXPECT_EQ(world.sessions().size(), 1u);
  // Its identifier is free.
  EXPECT_TRUE(target().add_port(description).has_value());
}

TEST_F(Live, LimitsHoldForTheNextLogin) {
  ASSERT_TRUE(target().set_port_limits(port(), {.max_rsp_size = 40, .sq_size = 9}).has_value());
  EXPECT_FALSE(target().set_port_limits(port(), {.max_rsp_size = 39}).has_value());
  MockLogin& login = world.login();
  const auto response = srp::parse_login_rsp(login.answer);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->max_target_iu, 40u);
  EXPECT_EQ(response->req_lim_delta, 9);
  EXPECT_EQ(login.parameters.max_send_iu, 40u);
  EXPECT_EQ(login.parameters.receive_count, 11u);
  Host host(world, login);
  host.test_unit_ready(1);
  const auto iu = host.take();
  ASSERT_TRUE(iu.has_value());
  EXPECT_EQ(iu->size(), 40u);
  const auto answer = srp::parse_rsp(*iu);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->sense.size(), 4u);  // as much as there is room for
}

TEST_F(Live, SessionsAreListedAndClosed) {
  Host host(world);
  settle_in(host, {0, 5});
  host.write(1, 0, 8, 1);
  EXPECT_EQ(host.response().status, 0);
  host.read(2, 0, 4, 1);
  EXPECT_EQ(host.response().status, 0);
  world.pass(3s);
  const auto sessions = world.sessions();
  ASSERT_EQ(sessions.size(), 1u);
  const target::SessionInfo& info = sessions[0];
  EXPECT_EQ(info.peer, "192.0.2.1:1000");
  EXPECT_EQ(info.initiator, acl);
  EXPECT_EQ(info.acl, acl);
  EXPECT_EQ(info.initiator_id, "0x00000000000000000000000000000009");
  EXPECT_EQ(info.transport, "mock");
  EXPECT_EQ(info.commands, 4u);
  EXPECT_EQ(info.written_bytes, 4096u);
  EXPECT_EQ(info.read_bytes, 2048u);
  EXPECT_EQ(info.since, runtime::Time::zero());

  const auto count = target().mapped_lun_count(port(), acl, 0);
  ASSERT_TRUE(count.has_value());
  EXPECT_EQ(count->commands, 3u);
  EXPECT_EQ(count->errors, 1u);
  EXPECT_EQ(count->written_bytes, 4096u);
  EXPECT_EQ(count->read_bytes, 2048u);
  EXPECT_EQ(target().lun_count(port(), 0)->commands, 3u);
  EXPECT_EQ(world.lu(0).io_count().commands, 3u);

  ASSERT_TRUE(target().close_session(info.id, done()).has_value());
  world.settle();
  EXPECT_TRUE(done_);
  EXPECT_FALSE(host.alive());
  // Counts outlive sessions and mappings.
  ASSERT_TRUE(target().unmap_lun(port(), acl, 0, nullptr).has_value());
  EXPECT_EQ(target().lun_count(port(), 0)->commands, 3u);
  Host again(world);
  EXPECT_NE(world.sessions().at(0).id, info.id);
}

class LiveOpenPort : public Live {
 protected:
  LiveOpenPort() : Live(WorldOptions{}) {}
};

TEST_F(LiveOpenPort, FollowsTheLunsOfThePort) {
  Host host(world);
  settle_in(host, {0, 1});
  ASSERT_TRUE(target().add_lun(port(), {300, world.shared_lu(), false}).has_value());
  world.settle();
  EXPECT_EQ(ready(host, 300), 0x2900u);
  EXPECT_EQ(ready(host, 0), 0x3f0eu);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.settle();
  EXPECT_EQ(held_, false);
  EXPECT_EQ(report_luns(host), (std::vector<std::uint64_t>{1ull << 48, scsi::encode_lun(300)}));
  // What a host without an ACL did is kept, too.
  EXPECT_EQ(target().lun_count(port(), 1)->commands, 1u);
  host.channel().close(transport::CloseReason::Kind::peer_closed);
  world.settle();
  EXPECT_EQ(target().lun_count(port(), 1)->commands, 1u);
}

TEST_F(LiveOpenPort, ANewAclTakesItsHostsOver) {
  Host host(world);
  settle_in(host, {0, 1});
  Host other(world, world.login(world.login_request(), "192.0.2.2:1"));
  settle_in(other, {0, 1});
  ASSERT_TRUE(target().add_acl(port(), *target::AclKey::parse(acl)).has_value());
  EXPECT_EQ(ready(host, 0), 0x2500u);
  ASSERT_TRUE(target().map_lun(port(), acl, {2, 0, true}).has_value());
  EXPECT_EQ(ready(host, 2), 0x2900u);
  EXPECT_EQ(world.sessions().at(0).acl, acl);
  EXPECT_EQ(ready(other, 0), 0u);
  EXPECT_EQ(world.sessions().at(1).acl, "");
}

TEST_F(LiveOpenPort, ClosingItEndsTheSessionsWithoutAcl) {
  Host host(world);
  ASSERT_TRUE(target().add_acl(port(), *target::AclKey::parse("192.0.2.2")).has_value());
  Host known(world, world.login(world.login_request(), "192.0.2.2:1"));
  ASSERT_TRUE(target().set_port_open(port(), false, done()).has_value());
  world.settle();
  EXPECT_TRUE(done_);
  EXPECT_FALSE(host.alive());
  EXPECT_TRUE(known.alive());
  EXPECT_TRUE(world.login(world.login_request()).rejected);
}

class LiveOnLoops : public Live {
 protected:
  LiveOnLoops() : Live(closed(3)) {}
};

TEST_F(LiveOnLoops, RemovalReachesEveryChannel) {
  auto request = world.login_request();
  request.flags |= wire::srp::multi_channel_multi;
  std::vector<std::unique_ptr<Host>> channels;
  for (int i = 0; i < 3; ++i)
    channels.push_back(std::make_unique<Host>(world, world.login(request)));
  settle_in(*channels[0], {0, 5});
  world.store().hold = true;
  for (const auto& channel : channels) {
    channel->memory(1).resize(4096);
    channel->read(1, 0, 8, 1);
  }
  world.pass(0s);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.pass(1s);
  EXPECT_FALSE(held_.has_value());
  world.store().let_go();
  world.pass(1s);
  EXPECT_EQ(held_, false);
  for (const auto& channel : channels) EXPECT_EQ(channel->response().status, 0);
  EXPECT_EQ(world.shared_lu().use_count(), 1);
  // Each channel counted for itself.
  EXPECT_EQ(world.lu(0).io_count().commands, 4u);
}

TEST_F(LiveOnLoops, ShutdownWaitsForRemovals) {
  Host host(world);
  settle_in(host, {0});
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  ASSERT_TRUE(target().remove_lun(port(), 0, removed()).has_value());
  world.shut_down();
  world.pass(5s);
  EXPECT_EQ(held_, true);
  EXPECT_FALSE(world.shut_down_done());
  world.store().let_go();
  world.pass(1s);
  EXPECT_TRUE(world.shut_down_done());
}

// What grows with what is there already would not end in reasonable time.
TEST_F(Live, TenThousandLunsAndAThousandAcls) {
  Host host(world);
  for (std::uint32_t number = 2; number < 10000; ++number) {
    ASSERT_TRUE(target().add_lun(port(), {number, world.shared_lu(number % 2), false}).has_value());
    ASSERT_TRUE(target().map_lun(port(), acl, {number + 100, number, false}).has_value());
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::string text = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    ASSERT_TRUE(target().add_acl(port(), *target::AclKey::parse(text)).has_value());
    ASSERT_TRUE(target().map_lun(port(), text, {0, i + 2, false}).has_value());
  }
  world.settle();
  EXPECT_EQ(report_luns(host).size(), 10000u);
  Host last(world, world.login(world.login_request(), "10.0.3.250:1"));
  EXPECT_EQ(ready(last, 0), 0x2900u);
  for (std::uint32_t number = 2; number < 10000; ++number)
    ASSERT_TRUE(target().remove_lun(port(), number, nullptr).has_value());
  world.settle();
  EXPECT_EQ(report_luns(host).size(), 2u);
  EXPECT_EQ(ready(last, 0), 0x2500u);
}

}  // namespace
}  // namespace srpd::test
