// Asymmetric access: which commands are served in which state, that others are told, and what a
// command that has to wait does.
#include "scsi/target_port_groups.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "scsi/command_table.h"
#include "scsi/spec.h"
#include "support/in_process_device.h"

namespace srpd::scsi {
namespace {

using test::bytes;
using test::Bytes;
using test::InProcessDevice;
using test::ScsiReply;

const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

// All commands with zeroes behind operation code and service action: they are told apart by whether
// the state keeps them from being looked at.
std::set<std::string_view> served(InProcessDevice& disk, std::uint16_t refusal) {
  std::set<std::string_view> names;
  for (const Row& row : command_table()) {
    Bytes cdb(16);
    cdb[0] = static_cast<std::byte>(row.spec.opcode);
    cdb[1] = static_cast<std::byte>(row.spec.service_action.value_or(0));
    const ScsiReply reply = disk.execute({.cdb = cdb, .data_in_length = 512});
    if (reply.decoded().code != refusal) names.insert(row.spec.name);
  }
  return names;
}

void enter(InProcessDevice& disk, AccessState state) {
  disk.lu().port_groups().set({.state = state});
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x2a06);
}

const std::set<std::string_view> in_transition{"INQUIRY", "REPORT LUNS", "REQUEST SENSE",
                                               "REPORT TARGET PORT GROUPS"};

std::set<std::string_view> with(std::set<std::string_view> names,
                                const std::set<std::string_view>& more) {
  names.insert(more.begin(), more.end());
  return names;
}
const auto when_unavailable = with(in_transition, {"SET TARGET PORT GROUPS"});
std::set<std::string_view> persistent_reservations() {
  std::set<std::string_view> names;
  for (const Row& row : command_table())
    if (row.spec.name.starts_with("PERSISTENT RESERVE")) names.insert(row.spec.name);
  return names;
}
const auto in_standby =
    with(with(when_unavailable, {"MODE SENSE(6)", "MODE SENSE(10)", "READ CAPACITY(10)",
                                 "READ CAPACITY(16)", "SEND DIAGNOSTIC"}),
         persistent_reservations());

// One that has every command.
test::InProcessOptions options() {
  test::InProcessOptions all;
  all.store.properties.can_unmap = true;
  return all;
}

TEST(AsymmetricAccess, EveryStateServesWhatLioServes) {
  InProcessDevice disk(options());
  EXPECT_EQ(served(disk, 0x040b).size(), command_table().size());
  enter(disk, AccessState::standby);
  EXPECT_EQ(served(disk, 0x040b), in_standby);
  enter(disk, AccessState::unavailable);
  EXPECT_EQ(served(disk, 0x040c), when_unavailable);
  enter(disk, AccessState::offline);
  EXPECT_EQ(served(disk, 0x0412), when_unavailable);
  enter(disk, AccessState::transitioning);
  EXPECT_EQ(served(disk, 0x040a), in_transition);
  enter(disk, AccessState::active_optimized);
  EXPECT_EQ(served(disk, 0x040a).size(), command_table().size());
}

TEST(AsymmetricAccess, AnOfflinePortOnlySaysWhoItIs) {
  InProcessDevice disk(options());
  disk.lu().port_groups().set_access(disk.unit_port(), {.offline = true});
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x2a06);
  EXPECT_EQ(served(disk, 0x0412), (std::set<std::string_view>{"INQUIRY", "REPORT LUNS"}));
}

// LIO's way of having hosts prefer other ports.
TEST(AsymmetricAccess, ANonoptimizedPortIsSlower) {
  InProcessDevice disk({});
  const auto duration = [&](const Bytes& cdb, std::size_t in = 0) {
    const auto begun = disk.loop().now();
    EXPECT_TRUE(disk.execute({.cdb = cdb, .data_in_length = in}).good());
    return disk.loop().now() - begun;
  };
  const Bytes read = bytes({0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  const Bytes inquiry = bytes({0x12, 0, 0, 0, 36, 0});
  const auto fast = duration(read, 512);
  disk.lu().port_groups().set(
      {.state = AccessState::active_nonoptimized, .nonoptimized_delay_ms = 250});
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x2a06);
  EXPECT_GE(duration(read, 512), fast + std::chrono::milliseconds(250));
  EXPECT_GE(duration(inquiry, 36), std::chrono::milliseconds(250));
  EXPECT_GE(duration(test_unit_ready), std::chrono::milliseconds(250));
  disk.lu().port_groups().set(
      {.state = AccessState::active_nonoptimized, .nonoptimized_delay_ms = 0});
  EXPECT_EQ(duration(read, 512), fast);
}

TEST(AsymmetricAccess, ACommandIsAbortedWhileItWaits) {
  InProcessDevice disk({});
  disk.lu().port_groups().set({.state = AccessState::active_nonoptimized});
  test::Host& host = disk.host(0);
  host.itl().unit_attentions.store(0);
  host.command.prepare({.cdb = test_unit_ready}, host.lun);
  host.command.submit();
  EXPECT_EQ(host.command.completions, 0);
  EXPECT_EQ(host.tasks.abort_if([](const Command&) { return true; }), 1u);
  disk.run_until_idle();
  EXPECT_EQ(host.command.completions, 1);
  EXPECT_TRUE(host.command.aborted);
  host.command.finish();
}

TEST(AsymmetricAccess, EachPortHasTheStateOfItsGroup) {
  InProcessDevice disk({});
  const auto second = disk.host_at_port(2);
  TargetPortGroups& groups = disk.lu().port_groups();
  groups.set({.id = 7, .state = AccessState::unavailable});
  EXPECT_EQ(second->execute({.cdb = test_unit_ready}).decoded().code, 0x2900);
  EXPECT_TRUE(second->execute({.cdb = test_unit_ready}).good()) << "no port is in it";
  groups.set_access(disk.unit_port(), {.group = 7});
  for (const unsigned code : {0x2a06u, 0x3f03u, 0x040cu})
    EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, code);
  EXPECT_EQ(second->execute({.cdb = test_unit_ready}).decoded().code, 0x2a06);
  EXPECT_EQ(second->execute({.cdb = test_unit_ready}).decoded().code, 0x3f03);
  EXPECT_TRUE(second->execute({.cdb = test_unit_ready}).good());
  // A host that comes later finds the state of the port.
  const auto late = disk.another_host();
  EXPECT_EQ(late->execute({.cdb = test_unit_ready}).decoded().code, 0x2900);
  EXPECT_EQ(late->execute({.cdb = test_unit_ready}).decoded().code, 0x040c);
  groups.remove(7);
  EXPECT_TRUE(late->execute({.cdb = test_unit_ready}).good()) << "back in the default group";
}

TEST(AsymmetricAccess, PageOfIdentifiersNamesTheGroups) {
  InProcessDevice disk({});
  TargetPortGroups& groups = disk.lu().port_groups();
  groups.set({.id = 0x1234});
  groups.set_access(disk.unit_port(), {.group = 0x1234});
  groups.set_unit_group(0x77);
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x3f03);
  const Bytes page_83 = bytes({0x12, 1, 0x83, 0x10, 0, 0});
  const auto designators = [&] {
    const ScsiReply page = disk.execute({.cdb = page_83, .data_in_length = 4096});
    return std::string(reinterpret_cast<const char*>(page.data_in.data()), page.data_in.size());
  };
  using namespace std::string_literals;
  EXPECT_NE(designators().find("\x41\x95\0\x04\0\0\x12\x34"s), std::string::npos);
  EXPECT_NE(designators().find("\x01\x06\0\x04\0\0\0\x77"s), std::string::npos);
  groups.set_unit_group(std::nullopt);
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x3f03);
  EXPECT_EQ(designators().find("\x01\x06\0\x04"s), std::string::npos);
}

TEST(AsymmetricAccess, AluaThatIsOffKeepsNobodyOut) {
  InProcessDevice disk({});
  enter(disk, AccessState::standby);
  LuAttributes attributes = disk.lu().attributes();
  attributes.alua_support = false;
  disk.lu().change_attributes(attributes);
  EXPECT_EQ(disk.execute({.cdb = test_unit_ready}).decoded().code, 0x3f03);
  EXPECT_TRUE(disk.execute({.cdb = test_unit_ready}).good());
}

}  // namespace
}  // namespace srpd::scsi
