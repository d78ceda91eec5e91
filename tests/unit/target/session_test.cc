// The life of a session: credits, protocol errors, and every way it can end.
#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/target_host.h"

namespace srpd::test {
namespace {

class Session : public testing::Test {
 protected:
  explicit Session(const WorldOptions& options = {}) : world(options) {
    host.clear_unit_attention();
    host.memory(1).resize(64 * 512);
  }
  /// The target said goodbye with `reason` and closed.
  void expect_logout(srp::LogoutReason reason) {
    const auto iu = host.take();
    ASSERT_TRUE(iu.has_value());
    EXPECT_EQ(srp::parse_t_logout(*iu), reason);
    EXPECT_TRUE(host.wire().disconnected);
    EXPECT_TRUE(host.wire().graceful);
    EXPECT_TRUE(host.wire().destroyed);
    EXPECT_TRUE(world.sessions().empty());
  }

  World world;
  Host host{world};
};

TEST_F(Session, UnknownOpcodes) {
  for (const unsigned opcode : {0x00u, 0x04u, 0x40u, 0x80u, 0x81u, 0xc0u, 0xc1u, 0xffu}) {
    World fresh;
    Host one(fresh);
    Bytes iu(64);
    iu[0] = static_cast<std::byte>(opcode);
    one.send(iu);
    const auto goodbye = one.take();
    ASSERT_TRUE(goodbye.has_value());
    EXPECT_EQ(srp::parse_t_logout(*goodbye), srp::LogoutReason::invalid_iu_type) << opcode;
    EXPECT_TRUE(one.wire().destroyed);
  }
}

TEST_F(Session, ShortIus) {
  for (const auto& [opcode, length] :
       std::initializer_list<std::pair<unsigned, std::size_t>>{{0x02, 47}, {0x02, 1}, {0x01, 47}}) {
    World fresh;
    Host one(fresh);
    Bytes iu(length);
    iu[0] = static_cast<std::byte>(opcode);
    one.send(iu);
    const auto goodbye = one.take();
    ASSERT_TRUE(goodbye.has_value());
    EXPECT_EQ(srp::parse_t_logout(*goodbye), srp::LogoutReason::invalid_iu_length);
  }
}

TEST_F(Session, EmptyIu) {
  host.send({});
  expect_logout(srp::LogoutReason::invalid_iu_length);
}

TEST_F(Session, ResponseWithoutRequest) {
  host.send(wire::bytes_of(srp::build_cred_rsp({})));
  expect_logout(srp::LogoutReason::response_without_request);
}

TEST_F(Session, InitiatorLogout) {
  host.send(wire::bytes_of(srp::build_i_logout({})));
  EXPECT_TRUE(host.wire().destroyed);
  EXPECT_TRUE(host.wire().graceful);
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(Session, MoreRequestsThanCredits) {
  world.store().hold = true;
  for (std::uint64_t tag = 0; tag < 128; ++tag) host.read(tag, 0, 1, 1);
  EXPECT_TRUE(host.alive());
  host.read(128, 0, 1, 1);
  EXPECT_FALSE(host.alive());
  EXPECT_FALSE(host.wire().destroyed);  // the store has the commands
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().destroyed);
  const auto goodbye = host.take();
  ASSERT_TRUE(goodbye.has_value());
  EXPECT_TRUE(srp::parse_t_logout(*goodbye).has_value());
  EXPECT_EQ(host.waiting(), 0u);
}

// Each answer gives its credit back when it is handed over, taken by the host or not.
TEST_F(Session, RequestsOfAHostThatTakesNoAnswers) {
  host.wire().hold_sends = true;
  std::uint64_t tag = 0;
  while (host.alive() && tag < 10000) host.read(tag++, 0, 1, 1);
  EXPECT_FALSE(host.alive());
  EXPECT_EQ(tag, 2 * 512 + 1);
  host.wire().hold_sends = false;
  world.settle();
  EXPECT_TRUE(host.wire().destroyed);
}

TEST_F(Session, CreditsGrowWithUse) {
  world.store().hold = true;
  std::uint64_t tag = 0;
  std::int32_t credits = 128;
  for (const std::int32_t expected : {256, 512, 512}) {
    for (; credits > 0; --credits) host.read(tag++, 0, 1, 1);
    world.store().let_go();
    world.settle();
    while (host.waiting() != 0) credits += host.response().req_lim_delta;
    EXPECT_EQ(credits, expected);
  }
  EXPECT_EQ(world.sessions()[0].credits, 512u);
  EXPECT_TRUE(host.alive());
}

TEST(SessionCredits, ShrinkWhenTheBudgetIsShort) {
  WorldOptions options;
  options.target.credits_per_loop = 160;
  World world(options);
  Host first(world);
  first.clear_unit_attention();
  first.memory(1).resize(512);
  Host second(world, world.login(world.login_request(), "192.0.2.2:1"));
  EXPECT_EQ(world.sessions().size(), 2u);
  // 128 and 80: over the budget, each may have 80.
  std::int32_t credits = 128;
  for (std::uint64_t tag = 0; tag < 60; ++tag) {
    --credits;
    first.read(tag, 0, 1, 1);
    credits += first.response().req_lim_delta;
  }
  EXPECT_EQ(credits, 80);
  EXPECT_TRUE(first.alive());
}

TEST_F(Session, StrandedCreditsComeByRequestOneAtATime) {
  auto multi = world.login_request();
  multi.flags |= wire::srp::multi_channel_multi | wire::srp::cred_req_solnt;
  Host other(world, world.login(multi));
  other.memory(1).resize(512);
  const auto abort_one = [&] {
    world.store().hold = true;
    other.read(1, 0, 1, 1);
    host.task_management(2, srp::TaskFunction::abort_task_set);
    world.store().let_go();
    world.settle();
    EXPECT_TRUE(host.response().code.has_value());
  };
  abort_one();
  ASSERT_EQ(other.waiting(), 1u);
  EXPECT_TRUE(other.wire().solicited.back());
  const auto request = srp::parse_cred_req(*other.take());
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->req_lim_delta, 1);
  abort_one();
  abort_one();
  EXPECT_EQ(other.waiting(), 0u);  // the first is not answered
  other.send(wire::bytes_of(srp::build_cred_rsp(request->tag)));
  ASSERT_EQ(other.waiting(), 1u);
  const auto next = srp::parse_cred_req(*other.take());
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->req_lim_delta, 2);
  EXPECT_NE(next->tag, request->tag);
  // A wrong tag answers nothing.
  other.send(wire::bytes_of(srp::build_cred_rsp(request->tag)));
  EXPECT_FALSE(other.alive());
}

// Each state a command can be in when the connection goes.
enum class Stage { in_store, reading_host, responding, fetching_table, waiting_for_table };

class AbruptEnd
    : public Session,
      public testing::WithParamInterface<std::tuple<Stage, transport::CloseReason::Kind>> {
 protected:
  void external_read(std::uint64_t tag) {
    std::array<std::byte, 10> cdb{std::byte{0x28}};
    cdb[8] = std::byte{8};
    srp::CommandSpec spec;
    spec.tag = wire::srp::to_tag(tag);
    spec.cdb = cdb;
    spec.data_in = {srp::Format::indirect, {}, {0u, 1u, 160u}, 4096};
    host.command(spec);
  }
  void bring_to(Stage stage) {
    switch (stage) {
      case Stage::in_store:
        world.store().hold = true;
        return host.read(1, 0, 8, 1);
      case Stage::reading_host:
        host.wire().hold_reads = true;
        return host.write(1, 0, 8, 1);
      case Stage::responding:
        host.wire().hold_sends = true;
        return host.read(1, 0, 8, 1);
      case Stage::fetching_table:
        host.wire().hold_reads = true;
        return external_read(1);
      case Stage::waiting_for_table:
        host.wire().hold_reads = true;
        for (std::uint64_t tag = 0; tag < 60; ++tag) external_read(tag);
        return;
    }
  }
};

TEST_P(AbruptEnd, NothingIsLeft) {
  const auto& [stage, kind] = GetParam();
  bring_to(stage);
  const std::size_t before = host.waiting();
  host.channel().close(kind);
  world.settle();
  EXPECT_TRUE(host.wire().closed);
  EXPECT_EQ(host.wire().destroyed, stage != Stage::in_store);
  host.wire().trace.clear();
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().destroyed);
  EXPECT_TRUE(host.wire().trace.empty());
  EXPECT_EQ(host.waiting(), before);
  EXPECT_TRUE(world.sessions().empty());
}

INSTANTIATE_TEST_SUITE_P(
    States, AbruptEnd,
    testing::Combine(testing::Values(Stage::in_store, Stage::reading_host, Stage::responding,
                                     Stage::fetching_table, Stage::waiting_for_table),
                     testing::Values(transport::CloseReason::Kind::peer_closed,
                                     transport::CloseReason::Kind::peer_reset,
                                     transport::CloseReason::Kind::protocol_error)));

TEST_F(Session, ShutdownWhenIdle) {
  world.shut_down();
  expect_logout(srp::LogoutReason::unspecified);
  EXPECT_TRUE(world.shut_down_done());
}

TEST_F(Session, ShutdownFinishesWhatRuns) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  world.shut_down();
  EXPECT_TRUE(host.alive());
  host.read(2, 0, 8, 1);  // comes too late
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().tag, wire::srp::to_tag(1));
  expect_logout(srp::LogoutReason::unspecified);
  EXPECT_TRUE(world.shut_down_done());
}

TEST_F(Session, ShutdownDoesNotWaitForeverForTheStore) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  world.shut_down();
  world.pass(2100ms);
  EXPECT_TRUE(host.wire().closed);
  EXPECT_FALSE(world.shut_down_done());
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(world.shut_down_done());
}

TEST_F(Session, NothingToShutDown) {
  World empty;
  empty.shut_down();
  EXPECT_TRUE(empty.shut_down_done());
}

TEST_F(Session, ListedWithWhatItDid) {
  host.read(1, 0, 8, 1);
  const auto all = world.sessions();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].commands, 2u);
  EXPECT_EQ(all[0].channel, "mock");
  EXPECT_EQ(all[0].initiator, "192.0.2.1");
  EXPECT_EQ(all[0].port, "0xfe800000000000000000000000000001");
}

}  // namespace
}  // namespace srpd::test
