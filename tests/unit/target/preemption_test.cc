// PREEMPT AND ABORT: the commands of who is preempted are over before it is answered, on whichever
// loop they are, unless a store holds on to them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "support/target_host.h"

namespace srpd::test {
namespace {

constexpr std::uint64_t victims_key = 0xb, own_key = 0xa;

class PreemptAndAbort : public testing::TestWithParam<std::size_t> {
 protected:
  PreemptAndAbort() : world(options(GetParam())) {
    for (Host* const each : {&host, &victim}) {
      each->clear_unit_attention();
      each->memory(1).resize(4096);
    }
    reserve_out(host, 1, 0, 0, 0, own_key);
    EXPECT_EQ(host.response().status, 0);
    reserve_out(victim, 1, 0, 0, 0, victims_key);
    EXPECT_EQ(victim.response().status, 0);
  }
  static WorldOptions options(std::size_t loops) {
    WorldOptions made;
    made.loops = loops;
    return made;
  }

  void reserve_out(Host& from, std::uint64_t tag, unsigned action, unsigned type, std::uint64_t key,
                   std::uint64_t new_key) {
    Bytes& list = from.memory(7);
    list.assign(24, std::byte{});
    const wire::be64 keys[] = {key, new_key};
    std::memcpy(list.data(), keys, sizeof keys);
    std::array<std::byte, 10> cdb{};
    cdb[0] = std::byte{0x5f};
    cdb[1] = static_cast<std::byte>(action);
    cdb[2] = static_cast<std::byte>(type);
    cdb[8] = std::byte{24};
    const srp::MemoryDescriptor at{0u, 7u, 24u};
    srp::CommandSpec spec;
    spec.tag = wire::srp::to_tag(tag);
    spec.cdb = cdb;
    spec.data_out = {srp::Format::direct, {&at, 1}, {}, 0};
    from.command(spec);
  }
  void preempt() { reserve_out(host, 5, 5, 1, own_key, victims_key); }

  World world;
  Host host{world};
  Host victim{world, world.login(world.login_request(), "192.0.2.2:1")};
};
INSTANTIATE_TEST_SUITE_P(Loops, PreemptAndAbort, testing::Values(1, 2));

TEST_P(PreemptAndAbort, WaitsForTheCommandsOfThePreempted) {
  world.store().hold = true;
  victim.read(3, 0, 8, 1);
  host.read(4, 0, 8, 1);
  preempt();
  EXPECT_EQ(host.waiting(), 0u);
  world.store().hold = false;
  world.store().let_go();
  world.settle();
  EXPECT_EQ(victim.response().status, 0x40) << "TASK ABORTED";
  std::vector<std::uint64_t> answered;
  for (int i = 0; i < 2; ++i) {
    const auto response = host.response();
    EXPECT_EQ(response.status, 0);
    answered.push_back(wire::srp::to_integer(response.tag));
  }
  std::sort(answered.begin(), answered.end());
  EXPECT_EQ(answered, (std::vector<std::uint64_t>{4, 5})) << "its own go on";
  EXPECT_EQ(host.waiting() + victim.waiting(), 0u);
}

TEST_P(PreemptAndAbort, AnsweredByTheDeadlineWhateverTheStoreDoes) {
  world.store().hold = true;
  victim.read(3, 0, 8, 1);
  preempt();
  world.pass(1900ms);
  EXPECT_EQ(host.waiting(), 0u);
  world.pass(200ms);
  EXPECT_EQ(host.response().status, 0);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(victim.response().status, 0x40);
}

TEST_P(PreemptAndAbort, NothingIsUnderWay) {
  preempt();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(host.waiting() + victim.waiting(), 0u);
}

// The session of who asked ends meanwhile: everything still comes to its end.
TEST_P(PreemptAndAbort, ItsSessionEnds) {
  world.store().hold = true;
  victim.read(3, 0, 8, 1);
  preempt();
  host.channel().close(transport::CloseReason::Kind::peer_reset);
  world.pass(2100ms);
  world.store().let_go();
  world.settle();
  EXPECT_FALSE(host.alive());
  EXPECT_EQ(victim.response().status, 0x40);
}

}  // namespace
}  // namespace srpd::test
