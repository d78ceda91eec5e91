// REPORT SUPPORTED OPERATION CODES: SPC-5 6.34.
#include "disks.h"
#include "scsi/command_table.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

Bytes report_codes(unsigned options, unsigned opcode = 0, unsigned service_action = 0,
                   std::uint32_t length = 4096) {
  Bytes cdb = bytes(
      {0xa3, 0x0c, options, opcode, service_action >> 8, service_action & 0xff, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 6, 4, length);
  return cdb;
}

class ReportSupportedOperationCodes : public OnEveryDisk {
 protected:
  std::string report(unsigned options, unsigned opcode = 0, unsigned service_action = 0) {
    const ScsiReply reply = disk().execute(
        {.cdb = report_codes(options, opcode, service_action), .data_in_length = 4096});
    expect_good(reply);
    return to_hex(reply.data_in);
  }
};
SRPD_ON_EVERY_DISK(ReportSupportedOperationCodes);

TEST_P(ReportSupportedOperationCodes, AllAreInTheTable) {
  const Bytes list = hex(report(0));
  ASSERT_EQ(get_be(list, 0, 4), list.size() - 4);
  ASSERT_EQ(list.size(), 4 + 8 * scsi::command_table().size());
  for (std::size_t at = 4; at < list.size(); at += 8) {
    const bool by_action = (get_be(list, at + 5, 1) & 1) != 0;
    const scsi::Row* const row =
        scsi::find_command(static_cast<std::uint8_t>(get_be(list, at, 1)),
                           static_cast<std::uint16_t>(get_be(list, at + 2, 2)));
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(by_action, row->spec.service_action.has_value());
    EXPECT_EQ(get_be(list, at + 6, 2), row->spec.cdb_length);
  }
}

TEST_P(ReportSupportedOperationCodes, AllWithTimeouts) {
  const Bytes list = hex(report(0x80));
  ASSERT_EQ(list.size(), 4 + 20 * scsi::command_table().size());
  EXPECT_EQ(to_hex(list).substr(8, 40), "0000000000020006000a00000000000000000000");
}

TEST_P(ReportSupportedOperationCodes, OneCommand) {
  EXPECT_EQ(report(1, 0x28), "0003000a2818ffffffff3fffff00");
  EXPECT_EQ(report(0x81, 0x28),
            "0083000a2818ffffffff3fffff00"
            "000a00000000000000000000");
  EXPECT_EQ(report(2, 0x9e, 0x10), "000300109e100000000000000000ffffffff0000");
  EXPECT_EQ(report(3, 0x9e, 0x10), "000300109e100000000000000000ffffffff0000");
  EXPECT_EQ(report(3, 0x00), "00030006000000000000");
}

TEST_P(ReportSupportedOperationCodes, UnsupportedCommands) {
  EXPECT_EQ(report(1, 0xff), "00010000");
  EXPECT_EQ(report(2, 0x9e, 0x11), "00010000");
  EXPECT_EQ(report(3, 0x28, 0x01), "00010000");
}

TEST_P(ReportSupportedOperationCodes, WrongQuestionsAreRefused) {
  for (const Bytes& cdb :
       {report_codes(1, 0x9e), report_codes(2, 0x28), report_codes(4), report_codes(7)})
    expect_bad_field(disk().execute({.cdb = cdb, .data_in_length = 4096}), 2, 2);
}

TEST_P(ReportSupportedOperationCodes, IsCutToTheAllocationLength) {
  const ScsiReply reply = disk().execute({.cdb = report_codes(0, 0, 0, 6), .data_in_length = 4096});
  EXPECT_EQ(reply.data_in.size(), 6u);
}

TEST(ReportSupportedOperationCodesState, WhatAttributesSwitchOffIsNotThere) {
  InProcessDevice disk{InProcessOptions{}};  // a store without UNMAP
  const ScsiReply unmap = disk.execute({.cdb = report_codes(1, 0x42), .data_in_length = 64});
  EXPECT_EQ(to_hex(unmap.data_in), "00010000");
  InProcessOptions options;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->emulate_rsoc = false;
  InProcessDevice without{options};
  expect_check(without.execute({.cdb = report_codes(0), .data_in_length = 64}),
               key::illegal_request, 0x2000);
}

}  // namespace
}  // namespace srpd::test
