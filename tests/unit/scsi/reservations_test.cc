// Reservations of a unit that is served: what hosts get of its commands, that turns are taken, that
// nothing changes before it is kept, and what administration makes of registrations.
#include "scsi/reservations.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "support/in_process_device.h"
#include "support/reservations.h"

namespace srpd::scsi {
namespace {

using test::bytes;
using test::Bytes;
using test::InProcessDevice;
using test::prin;
using test::prout;
using test::ScsiDevice;
using test::ScsiReply;

const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

class ReservedUnit : public testing::Test {
 protected:
  ReservedUnit() { greet(*second); }

  static void greet(ScsiDevice& host) {
    EXPECT_EQ(host.execute({.cdb = test_unit_ready}).decoded().code, 0x2900);
  }
  static unsigned told(ScsiDevice& host) {
    return host.execute({.cdb = test_unit_ready}).decoded().code;
  }
  static ScsiReply write(ScsiDevice& host) {
    return host.execute({.cdb = bytes({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}), .data_out = Bytes(512)});
  }
  void expect_registered(std::size_t count) {
    EXPECT_EQ(disk.lu().reservations().state().registrations.size(), count);
  }

  InProcessDevice disk{{}};
  std::unique_ptr<ScsiDevice> second = disk.host_named(2);
};

TEST_F(ReservedUnit, KeepsOthersOutAndTellsThem) {
  ASSERT_TRUE(prout(disk, 0, {.new_key = 0xa}).good());
  ASSERT_TRUE(prout(*second, 0, {.new_key = 0xb}).good());
  EXPECT_TRUE(write(*second).good());
  ASSERT_TRUE(prout(disk, 1, {.type = 5, .key = 0xa}).good());
  EXPECT_TRUE(write(*second).good()) << "registrants may";
  ASSERT_TRUE(prout(*second, 0, {.key = 0xb}).good());
  EXPECT_EQ(write(*second).status, test::reservation_conflict);
  EXPECT_TRUE(write(disk).good());
  ASSERT_TRUE(prout(*second, 6, {.new_key = 0xc}).good());
  ASSERT_TRUE(prout(disk, 2, {.type = 5, .key = 0xa}).good());
  EXPECT_EQ(told(*second), 0x2a04u);
  ASSERT_TRUE(prout(disk, 4, {.type = 1, .key = 0xa, .new_key = 0xc}).good());
  EXPECT_EQ(told(*second), 0x2a05u);
  ASSERT_TRUE(prout(*second, 0, {.new_key = 0xd}).good());
  ASSERT_TRUE(prout(disk, 3, {.key = 0xa}).good());
  EXPECT_EQ(told(*second), 0x2a03u);
  EXPECT_EQ(told(disk), 0u);
  expect_registered(0);
}

// The I_T nexus is a name: it comes back with its rights.
TEST_F(ReservedUnit, SurvivesLogouts) {
  ASSERT_TRUE(prout(*second, 0, {.new_key = 0xb}).good());
  ASSERT_TRUE(prout(*second, 1, {.type = 3, .key = 0xb}).good());
  const auto again = disk.host_named(2);
  greet(*again);
  EXPECT_TRUE(write(*again).good());
  const auto third = disk.host_named(3);
  greet(*third);
  EXPECT_EQ(write(*third).status, test::reservation_conflict);
  // The same initiator by another port of the target is another nexus.
  const auto elsewhere = disk.host_named(2, 7);
  greet(*elsewhere);
  EXPECT_EQ(write(*elsewhere).status, test::reservation_conflict);
}

TEST_F(ReservedUnit, IsNotServedWhereTurnedOff) {
  ASSERT_TRUE(prout(disk, 0, {.new_key = 0xa}).good());
  ASSERT_TRUE(prout(disk, 1, {.type = 3, .key = 0xa}).good());
  LuAttributes attributes = disk.lu().attributes();
  attributes.emulate_pr = false;
  disk.lu().change_attributes(attributes);
  EXPECT_TRUE(write(*second).good());
  EXPECT_EQ(prin(*second, 0).decoded().code, 0x2000);
  EXPECT_EQ(second->execute({.cdb = bytes({0x16, 0, 0, 0, 0, 0})}).decoded().code, 0x2000);
  attributes.emulate_pr = true;
  disk.lu().change_attributes(attributes);
  EXPECT_EQ(write(*second).status, test::reservation_conflict);
}

TEST_F(ReservedUnit, PreemptAndAbortAnswersAfterwards) {
  ASSERT_TRUE(prout(disk, 0, {.new_key = 0xa}).good());
  ASSERT_TRUE(prout(*second, 0, {.new_key = 0xb}).good());
  test::Host& host = disk.host(0);
  host.command.hold_preemption = true;
  Bytes list(24);
  test::put_be(list, 0, 8, 0xa);
  test::put_be(list, 8, 8, 0xb);
  host.command.prepare({.cdb = test::prout_cdb(5, 1, 24), .data_out = list}, host.lun);
  host.command.submit();
  EXPECT_EQ(host.command.completions, 0);
  expect_registered(1);
  EXPECT_EQ(disk.host(1).itl().preemption, host.command.preempted);
  EXPECT_NE(host.itl().preemption, host.command.preempted);
  // Others are not kept waiting.
  EXPECT_EQ(told(*second), 0x2a05u);
  EXPECT_TRUE(prout(*second, 0, {.new_key = 0xc}).good());
  host.command.preemption->complete(0);
  EXPECT_EQ(host.command.completions, 1);
  EXPECT_TRUE(host.command.reply().good());
  host.command.finish();
}

class KeptUnit : public ReservedUnit {
 protected:
  KeptUnit() {
    disk.lu().reservations().set_recorder([this](const ReservationState& state, auto done) {
      kept.push_back(state);
      if (answer)
        done(*answer);
      else
        waiting = std::move(done);
    });
  }
  std::vector<ReservationState> kept;
  std::optional<bool> answer = true;
  std::function<void(bool)> waiting;
};

TEST_F(ReservedUnit, CannotPersistWithoutAPlaceForIt) {
  EXPECT_EQ(prin(disk, 2).data_in.at(2), std::byte{0x1c});
  EXPECT_EQ(prout(disk, 0, {.new_key = 1, .flags = 1}).decoded().code, 0x2600);
  expect_registered(0);
  ASSERT_TRUE(prout(disk, 0, {.new_key = 1}).good());
  EXPECT_TRUE(prout(disk, 1, {.type = 1, .key = 1, .flags = 1}).good()) << "it says nothing there";
  LuAttributes attributes = disk.lu().attributes();
  attributes.force_pr_aptpl = true;
  disk.lu().change_attributes(attributes);
  EXPECT_TRUE(prout(disk, 2, {.type = 1, .key = 1}).good()) << "who is in can get out";
  EXPECT_TRUE(prout(disk, 3, {.key = 1}).good());
  EXPECT_EQ(prout(disk, 0, {.new_key = 1}).decoded().code, 0x2600);
}

TEST_F(KeptUnit, WhatIsAskedFor) {
  EXPECT_EQ(prin(disk, 2).data_in.at(2), std::byte{0x1d});
  ASSERT_TRUE(prout(disk, 0, {.new_key = 1}).good());
  EXPECT_TRUE(kept.empty());
  ASSERT_TRUE(prout(disk, 0, {.key = 1, .new_key = 2, .flags = 1}).good());
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].persists);
  EXPECT_EQ(prin(disk, 2).data_in.at(3), std::byte{0x91});
  ASSERT_TRUE(prout(disk, 1, {.type = 1, .key = 2}).good());
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_TRUE(kept[1].holder.has_value());
  ASSERT_TRUE(prout(disk, 1, {.type = 1, .key = 2}).good());
  EXPECT_EQ(kept.size(), 2u) << "nothing has changed";
  ASSERT_TRUE(prout(disk, 3, {.key = 2}).good());
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_FALSE(kept[2].persists) << "what is there has to go";
  ASSERT_TRUE(prout(disk, 0, {.new_key = 2}).good());
  EXPECT_EQ(kept.size(), 3u);
}

TEST_F(KeptUnit, WhetherAskedForOrNot) {
  LuAttributes attributes = disk.lu().attributes();
  attributes.force_pr_aptpl = true;
  disk.lu().change_attributes(attributes);
  ASSERT_TRUE(prout(disk, 0, {.new_key = 1}).good());
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].persists);
}

TEST_F(KeptUnit, NothingHasHappenedWhereThatFails) {
  answer = false;
  const ScsiReply reply = prout(disk, 0, {.new_key = 1, .flags = 1});
  EXPECT_EQ(reply.decoded().key, 2);
  EXPECT_EQ(reply.decoded().code, 0x0800);
  expect_registered(0);
  EXPECT_EQ(disk.lu().reservations().state().generation, 0u);
  answer = true;
  EXPECT_TRUE(prout(disk, 0, {.new_key = 1, .flags = 1}).good());
  EXPECT_TRUE(prout(*second, 0, {.new_key = 2, .flags = 1}).good());
  EXPECT_TRUE(prout(*second, 1, {.type = 1, .key = 2}).good());
  answer = false;
  EXPECT_FALSE(prout(*second, 2, {.type = 1, .key = 2}).good());
  EXPECT_EQ(write(disk).status, test::reservation_conflict);
  EXPECT_FALSE(prout(disk, 3, {.key = 1}).good());
  EXPECT_EQ(told(*second), 0u);
}

TEST_F(KeptUnit, OneChangesAtATime) {
  answer.reset();
  const auto submit = [&](std::size_t index, std::uint64_t key) {
    Bytes list(24);
    test::put_be(list, 8, 8, key);
    test::put_be(list, 20, 1, 1);
    test::Host& host = disk.host(index);
    host.command.prepare({.cdb = test::prout_cdb(0, 0, 24), .data_out = list}, host.lun);
    host.command.submit();
  };
  submit(0, 0xa);
  submit(1, 0xb);
  disk.run_until_idle();
  ASSERT_EQ(kept.size(), 1u);
  expect_registered(0);
  EXPECT_EQ(disk.host(0).command.completions, 0);
  std::exchange(waiting, nullptr)(true);
  disk.run_until_idle();
  EXPECT_EQ(disk.host(0).command.completions, 1);
  expect_registered(1);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].registrations.size(), 2u);
  // The first one's mapping goes meanwhile.
  disk.lu().reservations().forget_port("nowhere", 1);
  std::exchange(waiting, nullptr)(true);
  disk.run_until_idle();
  EXPECT_TRUE(disk.host(1).command.reply().good());
  expect_registered(2);
  disk.host(0).command.finish();
  disk.host(1).command.finish();
}

TEST_F(KeptUnit, AnAbortedCommandThatWaitsForItsTurnChangesNothing) {
  answer.reset();
  Bytes list(24);
  test::put_be(list, 8, 8, 0xa);
  test::put_be(list, 20, 1, 1);
  for (const std::size_t index : {0u, 1u}) {
    test::Host& host = disk.host(index);
    host.command.prepare({.cdb = test::prout_cdb(0, 0, 24), .data_out = list}, host.lun);
    host.command.submit();
  }
  disk.run_until_idle();
  disk.host(1).tasks.abort_if([](const Command&) { return true; });
  std::exchange(waiting, nullptr)(true);
  disk.run_until_idle();
  EXPECT_EQ(disk.host(1).command.completions, 1);
  expect_registered(1);
  for (const std::size_t index : {0u, 1u}) disk.host(index).command.finish();
}

// Places

NexusPlace place_of(const std::string& initiator, std::uint32_t mapped = 0) {
  NexusName name{initiator, "0xdeea7be2967200000000000000000000", 1, {}};
  name.id[15] = std::byte{9};
  return {std::make_shared<const NexusName>(name), 0, nullptr, mapped};
}

TEST_F(ReservedUnit, APlaceThatGoesTakesItsRegistrationAlong) {
  Reservations& reservations = disk.lu().reservations();
  const NexusPlace place = place_of("acl"), twin = place_of("acl", 5);
  reservations.add(place);
  reservations.add(twin);
  ASSERT_TRUE(
      prout(disk, 0, {.new_key = 1, .flags = 8, .more = test::bytes({0, 0, 0, 24, 4, 0, 0, 0, 0, 0,
                                                                     0, 0, 0, 0,  0, 0, 0, 0, 0, 0,
                                                                     0, 0, 0, 0,  0, 0, 0, 9})})
          .good());
  expect_registered(2);
  reservations.remove(twin);
  expect_registered(2);
  reservations.remove(place);
  expect_registered(1);
  reservations.forget_port("0xdeea7be2967200000000000000000000", 1);
  expect_registered(0);
}

TEST_F(ReservedUnit, WhatIsRestoredHoldsFromTheBeginning) {
  Reservations& reservations = disk.lu().reservations();
  ReservationState state;
  state.persists = true;
  state.generation = 0;
  const NexusPlace place = place_of("acl", 5);
  Registration registration;
  registration.nexus = *place.name;
  registration.mapped_lun = 5;
  registration.key = 0x77;
  registration.known = false;
  state.registrations = {registration};
  state.holder = 0;
  state.type = ReservationType::exclusive_access;
  reservations.restore(state);
  EXPECT_EQ(write(disk).status, test::reservation_conflict);
  EXPECT_FALSE(reservations.state().registrations[0].known);
  const NexusPlace wrong = place_of("acl", 4);
  reservations.add(wrong);
  EXPECT_FALSE(reservations.state().registrations[0].known);
  reservations.add(place);
  EXPECT_TRUE(reservations.state().registrations[0].known);
  EXPECT_EQ(reservations.state().generation, 1u);
  reservations.remove(wrong);
  reservations.remove(place);
  EXPECT_TRUE(write(disk).good());
}

// RESERVE and RELEASE

const Bytes reserve = bytes({0x16, 0, 0, 0, 0, 0}), release = bytes({0x17, 0, 0, 0, 0, 0});

TEST_F(ReservedUnit, ReserveEndsWithALogicalUnitReset) {
  EXPECT_TRUE(disk.execute({.cdb = reserve}).good());
  EXPECT_EQ(told(*second), 0u);
  EXPECT_EQ(second->execute({.cdb = test_unit_ready}).status, test::reservation_conflict);
  disk.lu().reservations().reset();
  EXPECT_TRUE(second->execute({.cdb = test_unit_ready}).good());
}

}  // namespace
}  // namespace srpd::scsi
