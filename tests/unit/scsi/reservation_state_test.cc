// Rules of persistent reservations as values: every service action, by who is not registered, who
// is, and who holds the reservation; and what each level of reservation leaves to each class of
// command.
#include "scsi/reservation_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "scsi/command_table.h"
#include "scsi/spec.h"
#include "support/hex.h"

namespace srpd::scsi {
namespace {

using Action = ReserveOut::Action;
using Type = ReservationType;

constexpr std::array types{Type::write_exclusive,
                           Type::exclusive_access,
                           Type::write_exclusive_registrants_only,
                           Type::exclusive_access_registrants_only,
                           Type::write_exclusive_all_registrants,
                           Type::exclusive_access_all_registrants};

PossibleNexus nexus(const std::string& initiator, std::uint16_t port = 1) {
  PossibleNexus made;
  made.name = {initiator, "target", port, {}};
  made.name.id[15] = static_cast<std::byte>(initiator.front());
  made.relative_port = port;
  return made;
}

const PossibleNexus holder = nexus("holder"), other = nexus("other"), stranger = nexus("stranger");
constexpr std::uint64_t holders_key = 0xa1, others_key = 0xb2;

// `holder` and `other` are registered, `stranger` is not.
class Rules : public testing::TestWithParam<Type> {
 protected:
  Rules() {
    make(holder, {.action = Action::register_key, .new_key = holders_key});
    make(other, {.action = Action::register_key, .new_key = others_key});
  }

  Result ask(const PossibleNexus& from, ReserveOut request) {
    return decide(state, request, from, possible, outcome);
  }
  void make(const PossibleNexus& from, ReserveOut request) {
    ASSERT_TRUE(ask(from, std::move(request)).good());
    state = outcome.state;
  }
  void hold() {
    make(holder, {.action = Action::reserve, .type = type(), .key = holders_key});
    ASSERT_EQ(state.type, GetParam());
  }
  std::uint8_t type() const { return static_cast<std::uint8_t>(GetParam()); }
  bool all() const { return is_held_by_all(GetParam()); }

  static std::vector<std::string> names(const std::vector<NexusName>& told) {
    std::vector<std::string> out;
    for (const NexusName& each : told) out.push_back(each.initiator);
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<std::string> registered() const {
    std::vector<std::string> out;
    for (const Registration& each : outcome.state.registrations)
      out.push_back(each.nexus.initiator + ":" + std::to_string(each.nexus.tag));
    return out;
  }
  std::string held_by() const {
    const ReservationState& now = outcome.state;
    return now.holder ? now.registrations[*now.holder].nexus.initiator : "nobody";
  }

  ReservationState state;
  ReserveOutcome outcome;
  std::vector<PossibleNexus> possible{holder, other, stranger, nexus("holder", 2)};
};
using Names = std::vector<std::string>;

constexpr auto conflict = Status::reservation_conflict;
unsigned code(const Result& result) {
  return static_cast<unsigned>(result.sense.asc << 8 | result.sense.ascq);
}

INSTANTIATE_TEST_SUITE_P(Types, Rules, testing::ValuesIn(types));

TEST_P(Rules, RegisterNeedsTheKeyThatThereIs) {
  EXPECT_EQ(ask(stranger, {.key = 1, .new_key = 2}).status, conflict);
  EXPECT_EQ(ask(holder, {.key = 1, .new_key = 2}).status, conflict);
  EXPECT_EQ(ask(holder, {.key = 0, .new_key = 2}).status, conflict);
  ASSERT_TRUE(ask(stranger, {.new_key = 0}).good());
  EXPECT_FALSE(outcome.has_changed);
  make(holder, {.key = holders_key, .new_key = 7});
  EXPECT_EQ(state.find(holder.name)->key, 7u);
  EXPECT_EQ(state.find(holder.name)->generation, 2u);
  EXPECT_EQ(state.generation, 3u);
}

TEST_P(Rules, RegisterAndIgnoreNeedsNone) {
  make(stranger, {.action = Action::register_and_ignore, .key = 99, .new_key = 2});
  EXPECT_EQ(state.registrations.size(), 3u);
  make(holder, {.action = Action::register_and_ignore, .key = 99, .new_key = 3});
  EXPECT_EQ(state.find(holder.name)->key, 3u);
}

TEST_P(Rules, RegisteringChangesNoReservation) {
  hold();
  make(stranger, {.new_key = 5});
  EXPECT_EQ(held_by(), "holder");
  make(holder, {.key = holders_key, .new_key = 6});
  EXPECT_EQ(held_by(), "holder");
}

TEST_P(Rules, UnregisteringReleasesWhatIsHeld) {
  hold();
  ASSERT_TRUE(ask(holder, {.key = holders_key, .new_key = 0}).good());
  EXPECT_EQ(registered(), Names{"other:1"});
  EXPECT_EQ(held_by(), all() ? "other" : "nobody");
  const bool registrants_only = admits_registrants(GetParam()) && !all();
  EXPECT_EQ(names(outcome.reservations_released), registrants_only ? Names{"other"} : Names{});
  EXPECT_EQ(outcome.state.generation, 2u) << "LIO does not count it";
}

TEST_P(Rules, UnregisteringAnotherChangesNoReservation) {
  hold();
  make(other, {.key = others_key, .new_key = 0});
  EXPECT_EQ(held_by(), "holder");
  make(holder, {.key = holders_key, .new_key = 0});
  EXPECT_EQ(held_by(), "nobody") << "the last one takes it along";
  EXPECT_EQ(state.type, Type::none);
}

TEST_P(Rules, ReserveIsForRegistrantsWithTheirKey) {
  const auto reserve = [&](const PossibleNexus& from, std::uint64_t key) {
    return ask(from, {.action = Action::reserve, .type = type(), .key = key});
  };
  EXPECT_EQ(code(reserve(stranger, 0)), 0x0800u);
  EXPECT_EQ(reserve(holder, others_key).status, conflict);
  EXPECT_EQ(code(ask(holder,
                     {.action = Action::reserve, .scope = 1, .type = type(), .key = holders_key})),
            0x2600u);
  for (const std::uint8_t unknown : std::initializer_list<std::uint8_t>{0, 2, 4, 9, 15})
    EXPECT_EQ(code(ask(holder, {.action = Action::reserve, .type = unknown, .key = holders_key})),
              0x2400u);
  ASSERT_TRUE(reserve(holder, holders_key).good());
  EXPECT_EQ(held_by(), "holder");
  EXPECT_EQ(outcome.state.generation, 2u);
}

TEST_P(Rules, ReserveAgainIsForWhoHoldsIt) {
  hold();
  const auto reserve = [&](const PossibleNexus& from, std::uint64_t key, Type wanted) {
    return ask(from,
               {.action = Action::reserve, .type = static_cast<std::uint8_t>(wanted), .key = key});
  };
  ASSERT_TRUE(reserve(holder, holders_key, GetParam()).good());
  EXPECT_FALSE(outcome.has_changed);
  EXPECT_EQ(reserve(other, others_key, GetParam()).status, all() ? Status::good : conflict);
  for (const Type wanted : types)
    EXPECT_EQ(reserve(holder, holders_key, wanted).status,
              wanted == GetParam() ? Status::good : conflict);
}

TEST_P(Rules, ReleaseIsForWhoHoldsIt) {
  const auto release = [&](const PossibleNexus& from, std::uint64_t key) {
    return ask(from, {.action = Action::release, .type = type(), .key = key});
  };
  EXPECT_EQ(code(release(stranger, 0)), 0x0800u);
  ASSERT_TRUE(release(holder, holders_key).good());
  EXPECT_FALSE(outcome.has_changed) << "there is none";
  hold();
  EXPECT_EQ(release(holder, others_key).status, conflict);
  const std::uint8_t wrong = type() == 1 ? 3 : 1;
  EXPECT_EQ(ask(holder, {.action = Action::release, .type = wrong, .key = holders_key}).status,
            conflict);
  ASSERT_TRUE(release(other, others_key).good());
  EXPECT_EQ(outcome.has_changed, all());
  ASSERT_TRUE(release(holder, holders_key).good());
  EXPECT_EQ(held_by(), "nobody");
  EXPECT_EQ(registered().size(), 2u);
  EXPECT_EQ(names(outcome.reservations_released),
            admits_registrants(GetParam()) ? Names{"other"} : Names{});
}

TEST_P(Rules, ClearForgetsEverything) {
  hold();
  state.persists = true;
  const auto clear = [&](const PossibleNexus& from, std::uint64_t key) {
    return ask(from, {.action = Action::clear, .key = key});
  };
  EXPECT_EQ(code(clear(stranger, 0)), 0x0800u);
  EXPECT_EQ(clear(other, holders_key).status, conflict);
  ASSERT_TRUE(clear(other, others_key).good());
  EXPECT_EQ(registered(), Names{});
  EXPECT_EQ(held_by(), "nobody");
  EXPECT_EQ(names(outcome.reservations_preempted), Names{"holder"});
  EXPECT_FALSE(outcome.state.persists);
  EXPECT_EQ(outcome.state.generation, 3u);
}

class Preempting : public Rules {
 protected:
  Result preempt(const PossibleNexus& from, std::uint64_t key, std::uint64_t whom,
                 Action action = Action::preempt) {
    return ask(from, {.action = action, .type = type(), .key = key, .new_key = whom});
  }
};
INSTANTIATE_TEST_SUITE_P(Types, Preempting, testing::ValuesIn(types));

TEST_P(Preempting, IsForRegistrantsWithTheirKey) {
  hold();
  EXPECT_EQ(preempt(stranger, 0, holders_key).status, conflict);
  EXPECT_EQ(preempt(other, holders_key, holders_key).status, conflict);
  EXPECT_EQ(preempt(other, others_key, 0x77).status, conflict) << "no such key";
  EXPECT_EQ(code(ask(other, {.action = Action::preempt,
                             .scope = 2,
                             .type = type(),
                             .key = others_key,
                             .new_key = holders_key})),
            0x2600u);
  EXPECT_EQ(
      code(ask(other,
               {.action = Action::preempt, .type = 2, .key = others_key, .new_key = holders_key})),
      0x2400u);
}

TEST_P(Preempting, TheHolderLosesAll) {
  hold();
  make(stranger, {.new_key = 5});
  ASSERT_TRUE(preempt(other, others_key, holders_key, Action::preempt_and_abort).good());
  EXPECT_EQ(held_by(), "other");
  EXPECT_EQ(registered(), (Names{"other:1", "stranger:1"}));
  EXPECT_EQ(names(outcome.registrations_preempted), Names{"holder"});
  EXPECT_EQ(names(outcome.aborted), Names{"holder"});
  EXPECT_EQ(names(outcome.reservations_released), Names{}) << "the type is the same";
  EXPECT_EQ(outcome.state.generation, 4u);
  ASSERT_TRUE(preempt(other, others_key, holders_key).good());
  EXPECT_EQ(names(outcome.aborted), Names{});
}

TEST_P(Preempting, AnotherTypeIsTold) {
  hold();
  make(stranger, {.new_key = 5});
  const std::uint8_t another = type() == 1 ? 3 : 1;
  ASSERT_TRUE(
      ask(other,
          {.action = Action::preempt, .type = another, .key = others_key, .new_key = holders_key})
          .good());
  EXPECT_EQ(static_cast<std::uint8_t>(outcome.state.type), another);
  EXPECT_EQ(names(outcome.reservations_released), Names{"stranger"});
}

TEST_P(Preempting, WithoutReservationRegistrationsGo) {
  ASSERT_TRUE(preempt(other, others_key, holders_key).good());
  EXPECT_EQ(registered(), Names{"other:1"});
  EXPECT_EQ(held_by(), "nobody");
  EXPECT_EQ(names(outcome.registrations_preempted), Names{"holder"});
  EXPECT_EQ(code(preempt(other, others_key, 0)), 0x2600u);
}

TEST_P(Preempting, ARegistrantThatHoldsNothing) {
  hold();
  make(stranger, {.new_key = 5});
  ASSERT_TRUE(preempt(other, others_key, 5).good());
  EXPECT_EQ(held_by(), "holder");
  EXPECT_EQ(registered(), (Names{"holder:1", "other:1"}));
  EXPECT_EQ(names(outcome.registrations_preempted), Names{"stranger"});
}

TEST_P(Preempting, TheHolderPreemptsItself) {
  hold();
  const std::uint8_t another = type() == 1 ? 3 : 1;
  ASSERT_TRUE(ask(holder, {.action = Action::preempt_and_abort,
                           .type = another,
                           .key = holders_key,
                           .new_key = holders_key})
                  .good());
  EXPECT_EQ(registered(), (Names{"holder:1", "other:1"}));
  EXPECT_EQ(held_by(), "holder");
  EXPECT_EQ(names(outcome.reservations_released), Names{"other"});
  EXPECT_EQ(names(outcome.aborted), Names{});
}

TEST_P(Preempting, KeyZeroIsAllTheOthersWhereAllHoldIt) {
  hold();
  make(stranger, {.new_key = 5});
  const Result result = preempt(other, others_key, 0, Action::preempt_and_abort);
  if (!all()) {
    EXPECT_EQ(code(result), 0x2600u);
    return;
  }
  ASSERT_TRUE(result.good());
  EXPECT_EQ(registered(), Names{"other:1"});
  EXPECT_EQ(held_by(), "other");
  EXPECT_EQ(names(outcome.registrations_preempted), (Names{"holder", "stranger"}));
  EXPECT_EQ(names(outcome.aborted), (Names{"holder", "stranger"}));
}

class Moving : public Rules {
 protected:
  ReserveOut request(const PossibleNexus& to, std::uint64_t key) const {
    ReserveOut made{.action = Action::register_and_move, .key = key, .new_key = 0x99};
    made.relative_port = to.relative_port;
    made.initiators = {to.name.id};
    return made;
  }
};
INSTANTIATE_TEST_SUITE_P(Types, Moving, testing::ValuesIn(types));

TEST_P(Moving, TakesRegistrationAndReservationAlong) {
  hold();
  const Result result = ask(holder, request(stranger, holders_key));
  if (all()) {
    EXPECT_EQ(result.status, conflict);
    return;
  }
  ASSERT_TRUE(result.good());
  EXPECT_EQ(held_by(), "stranger");
  EXPECT_EQ(outcome.state.find(stranger.name)->key, 0x99u);
  EXPECT_EQ(outcome.state.type, GetParam());
  EXPECT_EQ(registered().size(), 3u);
  ReserveOut leaving = request(other, holders_key);
  leaving.unregister = true;
  ASSERT_TRUE(ask(holder, leaving).good());
  EXPECT_EQ(registered(), Names{"other:1"});
  EXPECT_EQ(held_by(), "other");
  EXPECT_EQ(outcome.state.find(other.name)->key, 0x99u) << "also of one that was registered";
  EXPECT_EQ(outcome.state.generation, 3u);
}

TEST_P(Moving, IsRefused) {
  EXPECT_EQ(code(ask(holder, request(other, holders_key))), 0x2400u) << "nothing to move";
  hold();
  EXPECT_EQ(code(ask(stranger, request(other, 0))), 0x0800u);
  EXPECT_EQ(ask(holder, request(other, others_key)).status, conflict);
  EXPECT_EQ(ask(other, request(stranger, others_key)).status, conflict);
  ReserveOut without_key = request(other, holders_key);
  without_key.new_key = 0;
  EXPECT_EQ(code(ask(holder, without_key)), 0x2600u);
  EXPECT_EQ(code(ask(holder, request(nexus("unknown"), holders_key))), 0x2600u);
  EXPECT_EQ(code(ask(holder, request(nexus("other", 3), holders_key))), 0x2600u);
  EXPECT_EQ(code(ask(holder, request(nexus("holder", 2), holders_key))), 0x2600u)
      << "an initiator to itself";
}

TEST(Registering, AtAllTargetPorts) {
  const std::vector possible{nexus("a"), nexus("a", 2), nexus("b", 2), nexus("a", 3)};
  ReserveOutcome outcome;
  ASSERT_TRUE(
      decide({}, {.new_key = 7, .all_target_ports = true}, nexus("a"), possible, outcome).good());
  ASSERT_EQ(outcome.state.registrations.size(), 3u);
  const ReservationState state = outcome.state;
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(state.registrations[i].nexus.tag, i + 1);
    EXPECT_EQ(state.registrations[i].generation, i);
  }
  EXPECT_EQ(code(decide(state, {.key = 7, .new_key = 0}, nexus("a", 2), possible, outcome)),
            0x2400u)
      << "ALL_TG_PT ends as it began";
  const ReserveOut unregister{.key = 7, .new_key = 0, .all_target_ports = true};
  ASSERT_TRUE(decide(state, unregister, nexus("a", 2), possible, outcome).good());
  EXPECT_TRUE(outcome.state.registrations.empty());
  ReservationState held = state;
  held.holder = 0;
  held.type = Type::write_exclusive;
  EXPECT_EQ(decide(held, unregister, nexus("a", 2), possible, outcome).status, conflict);
  EXPECT_TRUE(decide(held, unregister, nexus("a"), possible, outcome).good());
}

TEST(Registering, OtherInitiators) {
  const std::vector possible{nexus("a"), nexus("b"), nexus("c"), nexus("c", 2)};
  ReserveOut request{.new_key = 7, .spec_i_pt = true};
  request.initiators = {nexus("b").name.id, nexus("c").name.id};
  ReserveOutcome outcome;
  ASSERT_TRUE(decide({}, request, nexus("a"), possible, outcome).good());
  EXPECT_EQ(outcome.state.registrations.size(), 3u);
  const ReservationState state = outcome.state;
  request.key = 7;
  EXPECT_EQ(code(decide(state, request, nexus("a"), possible, outcome)), 0x2600u)
      << "only with the first";
  request.key = 0;
  request.initiators.push_back(nexus("z").name.id);
  EXPECT_EQ(code(decide({}, request, nexus("a"), possible, outcome)), 0x2600u);
  EXPECT_TRUE(outcome.state.registrations.empty()) << "all or none";
}

// SPC-4 tables 63 and 64, SBC-3 table 13, where LIO does not differ; it does for READ CAPACITY
// (allowed by the standard) and for commands without data from who is not registered.
struct MatrixRow {
  const char* commands;  // regular expressions of names would hide a forgotten one: the whole list
  UnderReservation row;
  // write exclusive: not registered, registered; exclusive access: likewise; RESERVE of another
  std::array<bool, 5> conflicts;
};
constexpr std::array matrix{
    MatrixRow{"INQUIRY, RELEASE(6), RELEASE(10)", UnderReservation::always, {}},
    MatrixRow{"TEST UNIT READY, REQUEST SENSE, REPORT LUNS, REPORT TARGET PORT GROUPS, "
              "RESERVE(6), RESERVE(10), PERSISTENT RESERVE IN(READ KEYS), "
              "PERSISTENT RESERVE IN(READ RESERVATION), "
              "PERSISTENT RESERVE IN(REPORT CAPABILITIES), "
              "PERSISTENT RESERVE IN(READ FULL STATUS), PERSISTENT RESERVE OUT(REGISTER), "
              "PERSISTENT RESERVE OUT(REGISTER AND IGNORE EXISTING KEY)",
              UnderReservation::harmless,
              {false, false, false, false, true}},
    MatrixRow{"MODE SENSE(6), MODE SENSE(10), REPORT SUPPORTED OPERATION CODES",
              UnderReservation::information,
              {false, false, true, false, true}},
    MatrixRow{"READ(6), READ(10), READ(12), READ(16), READ CAPACITY(10), READ CAPACITY(16)",
              UnderReservation::reads,
              {false, false, true, true, true}},
    MatrixRow{"SEND DIAGNOSTIC, START STOP UNIT, SYNCHRONIZE CACHE(10), SYNCHRONIZE CACHE(16), "
              "VERIFY(10), VERIFY(12), VERIFY(16)",
              UnderReservation::no_data,
              {false, true, true, true, true}},
    MatrixRow{"WRITE(6), WRITE(10), WRITE(12), WRITE(16), WRITE SAME(10), WRITE SAME(16), UNMAP, "
              "SET TARGET PORT GROUPS",
              UnderReservation::writes,
              {true, true, true, true, true}},
    MatrixRow{"PERSISTENT RESERVE OUT(RELEASE), PERSISTENT RESERVE OUT(CLEAR), "
              "PERSISTENT RESERVE OUT(PREEMPT), PERSISTENT RESERVE OUT(PREEMPT AND ABORT)",
              UnderReservation::registration,
              {true, false, true, false, true}},
    MatrixRow{"PERSISTENT RESERVE OUT(RESERVE), PERSISTENT RESERVE OUT(REGISTER AND MOVE)",
              UnderReservation::holds,
              {true, true, true, true, true}},
};

TEST(Conflicts, FollowTheTable) {
  std::size_t commands = 0;
  for (const MatrixRow& row : matrix) {
    std::string_view rest = row.commands;
    while (!rest.empty()) {
      const std::string_view name = rest.substr(0, rest.find(", "));
      rest.remove_prefix(std::min(rest.size(), name.size() + 2));
      const auto all = command_table();
      const auto found = std::find_if(all.begin(), all.end(),
                                      [&](const Row& each) { return each.spec.name == name; });
      ASSERT_NE(found, all.end()) << name;
      EXPECT_EQ(found->spec.reserved, row.row) << name;
      ++commands;
    }
    EXPECT_FALSE(conflicts(row.row, ReservationLevel::everything));
    for (std::size_t i = 0; i < row.conflicts.size(); ++i)
      EXPECT_EQ(conflicts(row.row, static_cast<ReservationLevel>(i + 1)), row.conflicts[i])
          << row.commands << ", level " << i + 1;
  }
  EXPECT_EQ(commands, command_table().size()) << "every command is in one row";
}

TEST_P(Rules, LevelsFollowFromTypeAndRegistration) {
  for (const auto& each : {holder, other, stranger})
    EXPECT_EQ(state.level_of(each.name), ReservationLevel::everything);
  hold();
  using Level = ReservationLevel;
  const bool writes = is_write_exclusive(GetParam());
  EXPECT_EQ(state.level_of(holder.name), Level::everything);
  EXPECT_EQ(state.level_of(stranger.name),
            writes ? Level::write_exclusive : Level::exclusive_access);
  const Level plain = writes ? Level::write_exclusive_known : Level::exclusive_access_known;
  EXPECT_EQ(state.level_of(other.name), admits_registrants(GetParam()) ? Level::everything : plain);
}

TEST(Parsing, LengthsAreChecked) {
  const auto parse = [](std::string_view cdb, std::string_view list, ReserveOut& out) {
    return code(parse_reserve_out(test::hex(cdb), test::hex(list), out));
  };
  const std::string fixed = "00000000000000a1 00000000000000b2 00000000";
  const std::string id = "0400000000000000 000102030405060708090a0b0c0d0e0f";
  ReserveOut out;
  EXPECT_EQ(parse("5f 03 05 0000 00000018 00", fixed + "05 000000", out), 0u);
  EXPECT_EQ(out.action, Action::clear);
  EXPECT_EQ(out.key, 0xa1u);
  EXPECT_EQ(out.new_key, 0xb2u);
  EXPECT_TRUE(!out.persists && out.all_target_ports && !out.spec_i_pt)
      << "APTPL is for registering";
  EXPECT_EQ(parse("5f 06 00 0000 00000018 00", fixed + "01 000000", out), 0u);
  EXPECT_TRUE(out.persists && !out.all_target_ports);
  EXPECT_EQ(parse("5f 00 00 0000 00000019 00", fixed + "00 000000 00", out), 0x1a00u);
  EXPECT_EQ(parse("5f 03 00 0000 0000001c 00", fixed + "08 000000 00000000", out), 0x2600u)
      << "SPEC_I_PT is for REGISTER";
  out = {};
  EXPECT_EQ(parse("5f 00 00 0000 00000034 00", fixed + "08 000000 00000018" + id, out), 0u);
  ASSERT_EQ(out.initiators.size(), 1u);
  EXPECT_EQ(test::to_hex(out.initiators[0]), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(parse("5f 00 00 0000 00000018 00", fixed + "08 000000", out), 0x2600u);
  EXPECT_EQ(parse("5f 00 00 0000 00000034 00", fixed + "08 000000 00000019" + id, out), 0x2600u);
  EXPECT_EQ(parse("5f 00 00 0000 00000020 00", fixed + "08 000000 00000004 04000000", out),
            0x2600u);
  EXPECT_EQ(parse("5f 00 00 0000 00000034 00", fixed + "08 000000 00000018 05" + id.substr(2), out),
            0x2600u)
      << "of another protocol";
  const std::string move = "00000000000000a1 00000000000000b2 00 03 0002 ";
  out = {};
  EXPECT_EQ(parse("5f 07 00 0000 00000030 00", move + "00000018" + id, out), 0u);
  EXPECT_TRUE(out.persists && out.unregister);
  EXPECT_EQ(out.relative_port, 2u);
  EXPECT_EQ(parse("5f 07 00 0000 00000018 00", move + "00000000", out), 0x2600u);
  EXPECT_EQ(parse("5f 07 00 0000 00000048 00", move + "00000030" + id + id, out), 0x2600u);
  EXPECT_EQ(parse("5f 07 00 0000 00000030 00", move + "ffffffff" + id, out), 0x2600u);
}

}  // namespace
}  // namespace srpd::scsi
