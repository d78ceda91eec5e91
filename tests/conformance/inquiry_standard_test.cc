// INQUIRY, standard data: SPC-5 6.7.2.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

class InquiryStandard : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(InquiryStandard);

// What LIO sends for such a disk, with 3PC clear: that is not served.
TEST_P(InquiryStandard, IsLiosWithWhatIsServed) {
  const ScsiReply reply =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 96, 0}), .data_in_length = 96});
  expect_good(reply);
  const std::string product = properties().plugin == "fileio" ? "46494c45494f20202020202020202020"
                                                              : "52414d4449534b2d4d43502020202020";
  EXPECT_EQ(to_hex(reply.data_in),
            "000006025bb000024c494f2d4f524720" + product +
                "342e3020"
                "0000000000000000000000000000000000000000000000a00940046004c0"
                "000000000000000000000000000000000000000000000000000000000000");
}

TEST_P(InquiryStandard, IsCutToTheAllocationLength) {
  for (const unsigned length : {0u, 1u, 5u, 36u, 41u}) {
    const ScsiReply reply =
        disk().execute({.cdb = bytes({0x12, 0, 0, 0, length, 0}), .data_in_length = 96});
    expect_good(reply);
    EXPECT_EQ(reply.data_in.size(), length);
    EXPECT_EQ(reply.residual_in, static_cast<std::int64_t>(length) - 96);
  }
}

TEST_P(InquiryStandard, OverflowsASmallerBuffer) {
  const ScsiReply reply =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 96, 0}), .data_in_length = 36});
  expect_good(reply);
  EXPECT_EQ(reply.data_in.size(), 36u);
  EXPECT_EQ(reply.residual_in, 60);
}

TEST_P(InquiryStandard, PageCodeNeedsEvpd) {
  expect_bad_field(disk().execute({.cdb = bytes({0x12, 0, 0x83, 0, 96, 0}), .data_in_length = 96}),
                   2);
}

TEST_P(InquiryStandard, CmddtIsRefused) {
  expect_bad_field(disk().execute({.cdb = bytes({0x12, 2, 0, 0, 96, 0}), .data_in_length = 96}), 1,
                   7);
}

TEST_P(InquiryStandard, WhereNoUnitIsSaysSo) {
  for (const std::uint64_t lun : {0x0005000000000000ul, 1ul, ~0ul}) {
    const ScsiReply reply =
        disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36, .lun = lun});
    expect_good(reply);
    EXPECT_EQ(reply.data_in.at(0), std::byte{0x7f});
  }
}

TEST_P(InquiryStandard, TheWellKnownUnitIsOne) {
  const ScsiReply reply = disk().execute(
      {.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36, .lun = 0xc101000000000000u});
  expect_good(reply);
  EXPECT_EQ(reply.data_in.at(0), std::byte{0x1e});
}

}  // namespace
}  // namespace srpd::test
