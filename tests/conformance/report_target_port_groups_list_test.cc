// REPORT TARGET PORT GROUPS: SPC-4 6.37.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

Bytes report_cdb(unsigned format, unsigned length) {
  return bytes({0xa3, format << 5 | 0x0a, 0, 0, 0, 0, 0, 0, length >> 8, length & 0xff, 0, 0});
}

std::string report(ScsiDevice& disk, unsigned format = 0, unsigned length = 4096) {
  const ScsiReply reply =
      disk.execute({.cdb = report_cdb(format, length), .data_in_length = length});
  expect_good(reply);
  return to_hex(reply.data_in);
}

class ReportTargetPortGroups : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(ReportTargetPortGroups);

// As LIO's: every state but the LBA dependent one is supported.
TEST_P(ReportTargetPortGroups, OneGroupWithOnePort) {
  EXPECT_EQ(report(disk()), "0000000c00cf00000000000100000001");
}

TEST_P(ReportTargetPortGroups, ExtendedHeader) {
  EXPECT_EQ(report(disk(), 1), "000000101000000000cf00000000000100000001");
}

TEST_P(ReportTargetPortGroups, IsCutToTheAllocationLength) {
  EXPECT_EQ(report(disk(), 0, 0), "");
  EXPECT_EQ(report(disk(), 0, 4), "0000000c");
  EXPECT_EQ(report(disk(), 1, 9), "000000101000000000");
}

TEST_P(ReportTargetPortGroups, OtherFormatsAreRefused) {
  for (const unsigned format : {2u, 7u})
    expect_bad_field(disk().execute({.cdb = report_cdb(format, 64), .data_in_length = 64}), 1, 7);
}

class ManyTargetPortGroups : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(ManyTargetPortGroups);

TEST_P(ManyTargetPortGroups, ShowsGroupsAndTheirPorts) {
  scsi::TargetPortGroups& groups = disk().lu().port_groups();
  const auto second = disk().host_at_port(0x1234);
  groups.set({.id = 0x100,
              .state = scsi::AccessState::standby,
              .status = 2,
              .supported = 0x0f,
              .preferred = true,
              .implicit_transition_s = 60});
  groups.set_access(disk().unit_port(), {.group = 0x100});
  for (const std::uint16_t told : std::initializer_list<std::uint16_t>{0x2900, 0x2a06, 0x3f03})
    expect_check(second->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, told);
  EXPECT_EQ(report(*second), "0000001800cf00000000000100001234820f01000002000100000001");
  const ScsiReply told = disk().execute({.cdb = report_cdb(1, 8), .data_in_length = 8});
  expect_check(told, key::unit_attention, 0x2a06);
}

// Longer than any buffer that other parameter data have.
TEST_P(ManyTargetPortGroups, ThousandsAreListed) {
  for (std::uint16_t id = 1; id < 2000; ++id) disk().lu().port_groups().set({.id = id});
  const std::string all = report(disk(), 0, 0xffff);
  EXPECT_EQ(all.size(), 2u * (4 + 2000 * 8 + 4));
  EXPECT_EQ(all.substr(0, 8), "00003e84");
  EXPECT_EQ(all.substr(all.size() - 16), "00cf07cf00000000");
}

TEST_P(ManyTargetPortGroups, AreNotThereWhereAluaIsOff) {
  scsi::LuAttributes attributes = disk().lu().attributes();
  attributes.alua_support = false;
  disk().lu().change_attributes(attributes);
  expect_check(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x3f03);
  expect_check(disk().execute({.cdb = report_cdb(0, 64), .data_in_length = 64}),
               key::illegal_request, 0x2000);
  const ScsiReply inquiry =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36});
  EXPECT_EQ(inquiry.data_in.at(5), std::byte{0});
}

}  // namespace
}  // namespace srpd::test
