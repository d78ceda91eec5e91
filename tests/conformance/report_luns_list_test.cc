// REPORT LUNS: SPC-5 6.33.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

Bytes report_luns(unsigned select, std::uint32_t length) {
  Bytes cdb = bytes({0xa0, 0, select, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 6, 4, length);
  return cdb;
}

class ReportLunsList : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(ReportLunsList);

TEST_P(ReportLunsList, EverySelection) {
  const std::string unit = "0000000000000000", well_known = "c101000000000000";
  const std::pair<unsigned, std::string> expected[] = {
      {0x00, "0000000800000000" + unit},
      {0x01, "0000000800000000" + well_known},
      {0x02, "0000001000000000" + unit + well_known},
      {0x10, "0000000000000000"},
      {0x11, "0000000800000000" + unit},
      {0x12, "0000000000000000"}};
  for (const auto& [select, list] : expected) {
    const ScsiReply reply =
        disk().execute({.cdb = report_luns(select, 4096), .data_in_length = 4096});
    expect_good(reply);
    EXPECT_EQ(to_hex(reply.data_in), list) << select;
  }
}

TEST_P(ReportLunsList, AtAnyLun) {
  for (const std::uint64_t lun : {0x0007000000000000u, 0xc101000000000000u}) {
    const ScsiReply reply =
        disk().execute({.cdb = report_luns(0, 4096), .data_in_length = 4096, .lun = lun});
    expect_good(reply);
    EXPECT_EQ(reply.data_in.size(), 16u);
  }
}

TEST_P(ReportLunsList, UnknownSelectionAndTooShortAListAreRefused) {
  expect_bad_field(disk().execute({.cdb = report_luns(0x03, 4096), .data_in_length = 4096}), 2);
  expect_bad_field(disk().execute({.cdb = report_luns(0, 15), .data_in_length = 15}), 6);
}

TEST_P(ReportLunsList, IsCutToTheAllocationLength) {
  const ScsiReply reply = disk().execute({.cdb = report_luns(2, 16), .data_in_length = 4096});
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in), "00000010000000000000000000000000");
}

TEST(ReportLunsNumbers, FlatSpaceFrom256) {
  for (const auto& [number, lun] : {std::pair{255u, "00ff000000000000"},
                                    {256u, "4100000000000000"},
                                    {16383u, "7fff000000000000"}}) {
    InProcessOptions options;
    options.number = number;
    InProcessDevice disk{options};
    const ScsiReply reply = disk.execute({.cdb = report_luns(0, 16), .data_in_length = 16});
    EXPECT_EQ(to_hex(reply.data_in).substr(16), lun);
    expect_good(disk.execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}));
  }
}

}  // namespace
}  // namespace srpd::test
