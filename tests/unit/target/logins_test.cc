// Logins: what is accepted, each way of being refused, nexuses and their channels.
#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/target_host.h"

namespace srpd::test {
namespace {

using srp::LoginReject;

LoginReject reason_of(const MockLogin& login) {
  EXPECT_TRUE(login.rejected);
  const auto rejection = srp::parse_login_rej(login.answer);
  EXPECT_TRUE(rejection.has_value());
  return rejection ? rejection->reason : LoginReject::unspecified;
}

srp::LoginResponse response_of(const MockLogin& login) {
  EXPECT_TRUE(login.accepted);
  const auto response = srp::parse_login_rsp(login.answer);
  EXPECT_TRUE(response.has_value());
  return response.value_or(srp::LoginResponse{});
}

/// The newest refusal, which must have all an administrator needs.
target::Refusal last_refusal(World& world) {
  const auto all = world.target().refusals();
  EXPECT_FALSE(all.empty());
  if (all.empty()) return {};
  EXPECT_FALSE(all.back().peer.empty() || all.back().cause.empty() || all.back().remedy.empty());
  return all.back();
}

TEST(Logins, AsIbSrpAsks) {
  World world;
  auto request = world.login_request();
  request.tag = wire::srp::Tag{{1, 2, 3, 4, 5, 6, 7, 8}};
  const auto& login = world.login(request);
  const auto response = response_of(login);
  EXPECT_EQ(login.answer.size(), 52u);
  EXPECT_EQ(response.tag, request.tag);
  EXPECT_EQ(response.req_lim_delta, 128);
  EXPECT_EQ(response.max_initiator_iu, 8260u);
  EXPECT_EQ(response.max_target_iu, 256u);
  EXPECT_EQ(response.formats, 6);
  EXPECT_EQ(response.flags, 0x80 | 0x10);
  EXPECT_EQ(login.parameters.max_receive_iu, 8260u);
  EXPECT_EQ(login.parameters.receive_count, 514u);
  ASSERT_NE(login.channel, nullptr);
  ASSERT_EQ(world.sessions().size(), 1u);
  EXPECT_EQ(world.sessions()[0].peer, "192.0.2.1:1000");
  EXPECT_EQ(world.sessions()[0].credits, 128u);
}

TEST(Logins, WithoutImmediateData) {
  WorldOptions options;
  options.target.immediate_data = false;
  World world(options);
  EXPECT_EQ(response_of(world.login()).flags & wire::srp::immediate_supported, 0);
  auto request = world.login_request();
  request.flags = 0;
  World other;
  EXPECT_EQ(response_of(other.login(request)).flags & wire::srp::immediate_supported, 0);
}

TEST(Logins, InfinibandForm) {
  World world;
  const auto iu = srp::build_login_ib(world.login_request());
  const auto bytes = wire::bytes_of(iu);
  const auto& login = world.login_raw({bytes.begin(), bytes.end()}, "192.0.2.1:1", false,
                                      transport::LoginForm::ib_cm);
  EXPECT_TRUE(login.accepted);
}

TEST(Logins, Malformed) {
  World world;
  EXPECT_EQ(reason_of(world.login_raw({})), LoginReject::unspecified);
  EXPECT_EQ(reason_of(world.login_raw(Bytes(55))), LoginReject::unspecified);
  EXPECT_EQ(reason_of(world.login_raw(Bytes(56, std::byte{0xff}))), LoginReject::unspecified);
  EXPECT_EQ(last_refusal(world).reason, 0x00010000u);
}

TEST(Logins, IuTooLarge) {
  World world;
  auto request = world.login_request();
  request.max_iu = 65537;
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::iu_length_too_large);
  EXPECT_EQ(last_refusal(world).reason, 0x00010002u);
  EXPECT_EQ(last_refusal(world).reason_name,
            "REQUESTED MAXIMUM INITIATOR TO TARGET IU LENGTH VALUE TOO LARGE");
  request.max_iu = 65536;
  EXPECT_EQ(response_of(world.login(request)).max_initiator_iu, 65536u);
}

TEST(Logins, UnsupportedFormat) {
  World world;
  auto request = world.login_request();
  request.formats = 0x0010;
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::unsupported_format);
}

TEST(Logins, UnknownTargetPort) {
  WorldOptions options;
  options.any_identifier = false;
  World world(options);
  auto request = world.login_request();
  EXPECT_TRUE(world.login(request).accepted);
  request.target[0] = std::byte{1};
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::unable_to_associate);
  EXPECT_NE(last_refusal(world).cause.find("no target port"), std::string::npos);
}

TEST(Logins, AnyIdentifier) {
  World world;
  auto request = world.login_request();
  request.target = {};
  EXPECT_TRUE(world.login(request).accepted);
}

TEST(Logins, ClosedByDefault) {
  WorldOptions options;
  options.open = false;
  World world(options);
  EXPECT_EQ(reason_of(world.login()), LoginReject::unable_to_associate);
  EXPECT_NE(last_refusal(world).cause.find("no ACL"), std::string::npos);
  EXPECT_EQ(last_refusal(world).peer, "192.0.2.1:1000");
  EXPECT_EQ(last_refusal(world).initiator, "0x00000000000000000000000000000009");
}

TEST(Logins, AclByAddressSeesItsOwnLuns) {
  WorldOptions options;
  options.open = false;
  options.acls.push_back({.key = *target::AclKey::parse("192.0.2.1"), .luns = {{5, 1, true}}});
  World world(options);
  EXPECT_TRUE(world.login(world.login_request(), "192.0.2.2:1").rejected);
  auto& login = world.login();
  ASSERT_TRUE(login.accepted);
  Host host(world, login);
  host.clear_unit_attention(scsi::encode_lun(5));
  host.test_unit_ready(1, scsi::encode_lun(5));
  EXPECT_EQ(host.response().status, 0);
  host.test_unit_ready(2, 0);
  EXPECT_EQ(host.response().status, 2);
  host.memory(1).resize(512);
  host.write(3, 0, 1, 1, scsi::encode_lun(5));
  EXPECT_EQ(host.response().status, 2);  // write protected
}

TEST(Logins, AclByPortId) {
  WorldOptions options;
  options.open = false;
  options.acls.push_back({.key = *target::AclKey::parse("0x9"), .luns = {{0, 0, false}}});
  World world(options);
  EXPECT_TRUE(world.login(world.login_request(), "192.0.2.77:1").accepted);
  auto other = world.login_request();
  other.initiator[15] = std::byte{8};
  EXPECT_TRUE(world.login(other).rejected);
}

TEST(Logins, TooManySessions) {
  WorldOptions options;
  options.target.max_sessions = 2;
  World world(options);
  auto request = world.login_request();
  EXPECT_TRUE(world.login(request, "192.0.2.1:1").accepted);
  EXPECT_TRUE(world.login(request, "192.0.2.2:1").accepted);
  EXPECT_EQ(reason_of(world.login(request, "192.0.2.3:1")), LoginReject::insufficient_resources);
  // One that replaces its own session finds room.
  EXPECT_TRUE(world.login(request, "192.0.2.2:2").accepted);
}

TEST(Logins, NoMemoryForCredits) {
  WorldOptions options;
  options.target.credits_per_loop = 10;
  World world(options);
  auto request = world.login_request();
  EXPECT_EQ(response_of(world.login(request, "192.0.2.1:1")).req_lim_delta, 10);
  EXPECT_EQ(response_of(world.login(request, "192.0.2.2:1")).req_lim_delta, 5);
  EXPECT_EQ(reason_of(world.login(request, "192.0.2.3:1")), LoginReject::insufficient_resources);
}

TEST(Logins, TooManyChannels) {
  WorldOptions options;
  options.target.max_channels_per_nexus = 2;
  World world(options);
  auto request = world.login_request();
  EXPECT_TRUE(world.login(request).accepted);
  request.flags |= wire::srp::multi_channel_multi;
  EXPECT_TRUE(world.login(request).accepted);
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::channel_limit_reached);
  EXPECT_EQ(world.sessions().size(), 2u);
}

TEST(Logins, MultiChannelSwitchedOff) {
  WorldOptions options;
  options.target.max_channels_per_nexus = 1;
  World world(options);
  auto request = world.login_request();
  EXPECT_TRUE(world.login(request).accepted);
  request.flags |= wire::srp::multi_channel_multi;
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::multi_channel_unsupported);
}

TEST(Logins, UnknownChannelAction) {
  World world;
  auto request = world.login_request();
  request.flags |= 2;
  EXPECT_EQ(reason_of(world.login(request)), LoginReject::multi_channel_unsupported);
}

TEST(Logins, ChannelsOfANexusSpreadOverTheLoops) {
  WorldOptions options;
  options.loops = 4;
  World world(options);
  auto request = world.login_request();
  std::set<runtime::Loop*> loops;
  auto& first = world.login(request);
  EXPECT_EQ(response_of(first).flags & 3, wire::srp::multi_channel_none);
  loops.insert(first.loop);
  request.flags |= wire::srp::multi_channel_multi;
  for (int i = 0; i < 3; ++i) {
    auto& more = world.login(request);
    EXPECT_EQ(response_of(more).flags & 3, wire::srp::multi_channel_maintained);
    loops.insert(more.loop);
  }
  EXPECT_EQ(loops.size(), 4u);
  EXPECT_EQ(world.sessions().size(), 4u);
}

TEST(Logins, SingleEndsTheOthersOfThisNexusOnly) {
  WorldOptions options;
  options.loops = 2;
  World world(options);
  auto request = world.login_request();
  auto& first = world.login(request);
  auto multi = request;
  multi.flags |= wire::srp::multi_channel_multi;
  auto& second = world.login(multi);
  // The same all-zero or equal port id from another address is another host.
  auto& stranger = world.login(request, "192.0.2.2:1000");
  EXPECT_EQ(response_of(stranger).flags & 3, wire::srp::multi_channel_none);
  EXPECT_FALSE(first.host.closed);

  auto& again = world.login(request, "192.0.2.1:2000");
  EXPECT_EQ(response_of(again).flags & 3, wire::srp::multi_channel_terminated);
  EXPECT_TRUE(first.host.destroyed);
  EXPECT_TRUE(second.host.destroyed);
  EXPECT_FALSE(stranger.host.closed);
  EXPECT_FALSE(again.host.closed);
  EXPECT_EQ(world.sessions().size(), 2u);
}

TEST(Logins, WithoutAddressInTheIdentityThePortIdAloneCounts) {
  World world;
  auto& first = world.login(world.login_request(), "192.0.2.1:1", false);
  auto& second = world.login(world.login_request(), "192.0.2.2:1", false);
  EXPECT_TRUE(first.host.closed);
  EXPECT_TRUE(second.accepted);
}

TEST(Logins, IdleOnesAreToldWhy) {
  World world;
  auto& first = world.login();
  world.login();
  ASSERT_EQ(first.host.received.size(), 1u);
  EXPECT_EQ(srp::parse_t_logout(first.host.received[0]), srp::LogoutReason::multi_channel_action);
}

TEST(Logins, SingleWaitsUntilTheOldCommandsCanMoveNothing) {
  World world;
  auto& first = world.login();
  Host host(world, first);
  host.clear_unit_attention();
  host.memory(1).resize(4096);
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  auto& second = world.login();
  EXPECT_TRUE(second.accepted);
  EXPECT_TRUE(first.host.closed);
  EXPECT_FALSE(first.host.destroyed);  // the store still has its command
  host.wire().trace.clear();
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().trace.empty());
  EXPECT_TRUE(first.host.destroyed);
}

TEST(Logins, LostOnTheWay) {
  World world;
  MockLogin lost;
  lost.lose = true;
  const auto iu = srp::build_login_rdma(world.login_request());
  const auto bytes = wire::bytes_of(iu);
  world.listener().on_request(std::make_unique<MockConnectRequest>(
      lost, Bytes(bytes.begin(), bytes.end()), *transport::Address::parse("192.0.2.1", 1), true));
  world.settle();
  EXPECT_TRUE(lost.accepted);
  EXPECT_TRUE(world.sessions().empty());
  EXPECT_TRUE(world.login().accepted);
}

TEST(Logins, TwoAtOnceOfTheSameNexus) {
  World world;
  auto& first = world.login();
  const auto iu = srp::build_login_rdma(world.login_request());
  const auto bytes = wire::bytes_of(iu);
  const Bytes data(bytes.begin(), bytes.end());
  const auto peer = *transport::Address::parse("192.0.2.1", 1);
  MockLogin second, third;
  world.listener().on_request(std::make_unique<MockConnectRequest>(second, data, peer, true));
  world.listener().on_request(std::make_unique<MockConnectRequest>(third, data, peer, true));
  EXPECT_TRUE(second.rejected);  // superseded while it waited
  EXPECT_FALSE(third.accepted);
  world.settle();
  EXPECT_TRUE(third.accepted);
  EXPECT_TRUE(first.host.destroyed);
  EXPECT_EQ(world.sessions().size(), 1u);
  world.shut_down();
  world.pass(5s);
  EXPECT_TRUE(world.shut_down_done());
}

TEST(Logins, RefusedWhileShuttingDown) {
  World world;
  Host host(world);
  host.clear_unit_attention();
  host.memory(1).resize(4096);
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  world.shut_down();
  EXPECT_EQ(reason_of(world.login()), LoginReject::insufficient_resources);
}

TEST(Logins, OnlyTheNewestRefusalsAreKept) {
  World world;
  auto request = world.login_request();
  request.max_iu = 65537;
  for (int i = 0; i < 100; ++i) {
    request.initiator[0] = std::byte(i);
    world.login(request);
  }
  const auto refusals = world.target().refusals();
  ASSERT_EQ(refusals.size(), 64u);
  EXPECT_EQ(refusals.front().initiator.substr(0, 4), "0x24");
  EXPECT_EQ(refusals.back().initiator.substr(0, 4), "0x63");
}

TEST(Logins, RepeatedRefusalsAreCounted) {
  World world;
  auto request = world.login_request();
  request.max_iu = 65537;
  world.login(request, "192.0.2.1:1000");
  world.login_raw({}, "192.0.2.1:1001");
  world.pass(std::chrono::seconds(5));
  world.login(request, "192.0.2.1:1002");
  world.login(request, "192.0.2.2:1000");
  const auto refusals = world.target().refusals();
  ASSERT_EQ(refusals.size(), 3u);
  EXPECT_EQ(refusals[0].cause, "the private data are not an SRP_LOGIN_REQ");
  EXPECT_EQ(refusals[0].count, 1u);
  EXPECT_EQ(refusals[1].peer, "192.0.2.1:1002");
  EXPECT_EQ(refusals[1].count, 2u);
  EXPECT_GE(refusals[1].last - refusals[0].last, std::chrono::seconds(5));
  EXPECT_EQ(refusals[2].host, "192.0.2.2");
}

TEST(Logins, PortsWithTheSameIdentifier) {
  World world;
  target::PortDescription port;
  port.scsi.id[15] = std::byte{1};
  EXPECT_FALSE(world.target().add_port(port).has_value());
}

TEST(Logins, PortsThatShareAnIdentifier) {
  World world;
  target::PortDescription port;
  port.scsi.id[15] = std::byte{2};
  port.shares_identifier = true;
  port.acls.push_back({*target::AclKey::parse("192.0.2.1"), {}});
  const auto first = world.target().add_port(port);
  ASSERT_TRUE(first.has_value());
  port.acls = {{*target::AclKey::parse("192.0.2.2"), {}}};
  ASSERT_TRUE(world.target().add_port(port).has_value());
  port.shares_identifier = false;
  EXPECT_FALSE(world.target().add_port(port).has_value()) << "one that does not share";
  EXPECT_EQ(world.target().list_ports().size(), 2u) << "hosts see one port of them";

  auto request = world.login_request();
  request.target[15] = std::byte{2};
  EXPECT_TRUE(world.login(request, "192.0.2.1:1000").accepted);
  EXPECT_TRUE(world.login(request, "192.0.2.2:1000").accepted);
  EXPECT_TRUE(world.login(request, "192.0.2.3:1000").rejected);
  EXPECT_NE(last_refusal(world).cause.find("ACL"), std::string::npos) << last_refusal(world).cause;

  ASSERT_TRUE(world.target().disable_port(*first, {}).has_value());
  EXPECT_TRUE(world.login(request, "192.0.2.1:1001").rejected);
  EXPECT_TRUE(world.login(request, "192.0.2.2:1001").accepted);
  EXPECT_TRUE(world.target().list_ports().back().enabled) << "the other one";
}

TEST(Logins, DisabledPort) {
  World world;
  target::PortDescription port;
  port.scsi.id[15] = std::byte{2};
  port.enabled = false;
  port.open = true;
  ASSERT_TRUE(world.target().add_port(port).has_value());
  auto request = world.login_request();
  request.target[15] = std::byte{2};
  EXPECT_TRUE(world.login(request).rejected);
  EXPECT_NE(last_refusal(world).cause.find("disabled"), std::string::npos);
}

}  // namespace
}  // namespace srpd::test
