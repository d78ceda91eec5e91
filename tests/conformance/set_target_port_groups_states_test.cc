// SET TARGET PORT GROUPS: SPC-4 6.45, 5.15.2.
#include <functional>
#include <utility>
#include <vector>

#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

using scsi::AccessState;

Bytes set_cdb(std::size_t length) {
  Bytes cdb = bytes({0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 6, 4, length);
  return cdb;
}

Bytes list_of(std::initializer_list<std::pair<unsigned, unsigned>> states) {
  Bytes list(4);
  for (const auto& [state, id] : states) {
    list.resize(list.size() + 4);
    put_be(list, list.size() - 4, 1, state);
    put_be(list, list.size() - 2, 2, id);
  }
  return list;
}

ScsiReply set_states(ScsiDevice& disk,
                     std::initializer_list<std::pair<unsigned, unsigned>> states) {
  const Bytes list = list_of(states);
  return disk.execute({.cdb = set_cdb(list.size()), .data_out = list});
}

Bytes first_group(ScsiDevice& disk) {
  const ScsiReply reply = disk.execute(
      {.cdb = bytes({0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0}), .data_in_length = 16});
  expect_good(reply);
  return reply.data_in;
}

class SetTargetPortGroups : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(SetTargetPortGroups);

TEST_P(SetTargetPortGroups, ChangesAStateForAllHosts) {
  const auto other = disk().another_host();
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2900);
  expect_good(set_states(disk(), {{2, 0}}));
  EXPECT_EQ(to_hex(first_group(disk())), "0000000c02cf00000001000100000001")
      << "standby, altered by SET TARGET PORT GROUPS; who did it is not told of it";
  expect_check(disk().execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()}),
               key::not_ready, 0x040b);
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2a06);
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::not_ready, 0x040b);
  expect_good(set_states(*other, {{0, 0}}));
  expect_check(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2a06);
  expect_good(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}));
}

TEST_P(SetTargetPortGroups, TheSameStateIsNoChange) {
  const auto other = disk().another_host();
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2900);
  expect_good(set_states(disk(), {{0, 0}}));
  expect_good(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}));
  EXPECT_EQ(first_group(disk()).at(9), std::byte{0});
}

TEST_P(SetTargetPortGroups, NothingIsAsked) {
  expect_good(disk().execute({.cdb = set_cdb(0)}));
  expect_good(set_states(disk(), {}));
}

TEST_P(SetTargetPortGroups, LengthsThatAreNoList) {
  for (const std::size_t length : {1u, 3u, 5u, 11u})
    expect_check(disk().execute({.cdb = set_cdb(length), .data_out = Bytes(length)}),
                 key::illegal_request, 0x1a00);
  expect_check(disk().execute({.cdb = set_cdb(8), .data_out = Bytes(4)}), key::illegal_request,
               0x0e03);
}

TEST_P(SetTargetPortGroups, AllOrNothing) {
  for (const unsigned state : {4u, 5u, 0xdu, 0xfu}) {
    const ScsiReply reply = set_states(disk(), {{1, 0}, {state, 0}});
    expect_check(reply, key::illegal_request, 0x2600);
    EXPECT_EQ(reply.decoded().field.value_or(0), 8u);
  }
  for (const unsigned state : {2u, 0xeu}) {
    const ScsiReply reply = set_states(disk(), {{1, 0}, {state, 99}});
    expect_check(reply, key::illegal_request, 0x2600);
    EXPECT_EQ(reply.decoded().field.value_or(0), 10u);
  }
  EXPECT_EQ(first_group(disk()).at(4), std::byte{0});
}

TEST_P(SetTargetPortGroups, APortGoesOffline) {
  expect_good(set_states(disk(), {{0xe, 1}}));
  expect_check(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::not_ready, 0x0412);
  const ScsiReply inquiry =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36});
  expect_good(inquiry);
}

class TargetPortGroupRules : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(TargetPortGroupRules);

TEST_P(TargetPortGroupRules, OnlyWhatTheGroupSupports) {
  disk().lu().port_groups().set({.supported = 0x03});
  expect_good(set_states(disk(), {{1, 0}}));
  expect_check(set_states(disk(), {{2, 0}}), key::illegal_request, 0x2600);
  expect_check(set_states(disk(), {{0xe, 1}}), key::illegal_request, 0x2600);
}

TEST_P(TargetPortGroupRules, OnlyWhereHostsMay) {
  disk().lu().port_groups().set({.access_type = scsi::TargetPortGroup::implicitly});
  expect_check(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x3f03);
  const ScsiReply reply = set_states(disk(), {{1, 0}});
  EXPECT_EQ(reply.decoded().key, key::illegal_request);
  const ScsiReply inquiry =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36});
  EXPECT_EQ(inquiry.data_in.at(5), std::byte{0x90});
}

// By a port of another group.
TEST_P(TargetPortGroupRules, OnlyGroupsThatHostsMayChange) {
  disk().lu().port_groups().set({.id = 8, .access_type = scsi::TargetPortGroup::implicitly});
  const ScsiReply reply = set_states(disk(), {{1, 8}});
  expect_check(reply, key::illegal_request, 0x2600);
  EXPECT_EQ(reply.decoded().field.value_or(0), 6u);
}

// The transition shows: to others, and to the host whose command takes that long.
TEST_P(TargetPortGroupRules, ATransitionTakesItsTime) {
  disk().lu().port_groups().set({.transition_delay_ms = 3000});
  const auto other = disk().another_host();
  Host& host = disk().host(0);
  const Bytes list = list_of({{1, 0}});
  host.command.prepare({.cdb = set_cdb(list.size()), .data_out = list}, host.lun);
  host.command.submit();
  disk().run_for(std::chrono::milliseconds(1000));
  EXPECT_EQ(host.command.completions, 0);
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2900);
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2a06);
  // What is answered at once does not move the clock.
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::not_ready, 0x040a);
  EXPECT_EQ(first_group(*other).at(4), std::byte{0xf});
  expect_check(set_states(*other, {{2, 0}}), key::not_ready, 0x040a);
  disk().run_until_idle();
  EXPECT_EQ(host.command.completions, 1);
  expect_good(host.command.reply());
  host.command.finish();
  EXPECT_EQ(first_group(disk()).at(4), std::byte{1});
}

TEST_P(TargetPortGroupRules, GoodIsSaidWhenTheChangeIsKept) {
  std::vector<scsi::AccessChange> kept;
  std::function<void()> done;
  disk().lu().port_groups().set_recorder([&](auto changes, auto when) {
    kept = std::move(changes);
    done = std::move(when);
  });
  Host& host = disk().host(0);
  const Bytes list = list_of({{3, 0}, {0xe, 1}, {3, 0}});
  host.command.prepare({.cdb = set_cdb(list.size()), .data_out = list}, host.lun);
  host.command.submit();
  disk().run_until_idle();
  EXPECT_EQ(host.command.completions, 0);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_FALSE(kept[0].of_port);
  EXPECT_EQ(kept[0].state, AccessState::unavailable);
  EXPECT_TRUE(kept[1].of_port);
  EXPECT_EQ(kept[1].id, 1u);
  done();
  disk().run_until_idle();
  EXPECT_EQ(host.command.completions, 1);
  expect_good(host.command.reply());
  host.command.finish();
}

}  // namespace
}  // namespace srpd::test
