// Unit attention conditions: SAM-5 5.14.
#include "disks.h"

namespace srpd::test {
namespace {

using scsi::UnitAttention;
const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

class UnitAttentions : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(UnitAttentions);

TEST_P(UnitAttentions, PowerOnForEachNewHost) {
  InProcessOptions options = GetParam().options;
  options.keep_power_on_attention = true;
  InProcessDevice fresh{options};
  const std::size_t other = fresh.add_host();
  for (const std::size_t host : {std::size_t{0}, other}) {
    expect_check(fresh.execute(host, {.cdb = test_unit_ready}), key::unit_attention, 0x2900);
    expect_good(fresh.execute(host, {.cdb = test_unit_ready}));
  }
}

TEST_P(UnitAttentions, ReportedOnceInOrderOfImportance) {
  scsi::ItlNexus& itl = device().host(0).itl();
  itl.raise(UnitAttention::inquiry_data_changed);
  itl.raise(UnitAttention::capacity_changed);
  itl.raise(UnitAttention::bus_device_reset);
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{0x2903, 0x2a09, 0x3f03})
    expect_check(disk().execute({.cdb = test_unit_ready}), key::unit_attention, code);
  expect_good(disk().execute({.cdb = test_unit_ready}));
}

TEST_P(UnitAttentions, InquiryAndReportLunsPassIt) {
  device().host(0).itl().raise(UnitAttention::capacity_changed);
  expect_good(disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36}));
  expect_good(disk().execute(
      {.cdb = bytes({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}), .data_in_length = 256}));
  expect_check(disk().execute({.cdb = test_unit_ready}), key::unit_attention, 0x2a09);
}

TEST_P(UnitAttentions, ReportLunsClearsReportedLunsChanged) {
  device().host(0).itl().raise(UnitAttention::reported_luns_changed);
  expect_good(disk().execute(
      {.cdb = bytes({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}), .data_in_length = 256}));
  expect_good(disk().execute({.cdb = test_unit_ready}));
}

TEST_P(UnitAttentions, KeepsAWriteFromHappening) {
  device().host(0).itl().raise(UnitAttention::bus_device_reset);
  const ScsiReply reply =
      disk().execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = pattern(block_size(), 1)});
  expect_check(reply, key::unit_attention, 0x2903);
  EXPECT_EQ(content(disk(), 0, 1), Bytes(block_size()));
}

TEST_P(UnitAttentions, ComesBeforeAnInvalidOperationCode) {
  device().host(0).itl().raise(UnitAttention::bus_device_reset);
  expect_check(disk().execute({.cdb = bytes({0xc0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2903);
  expect_check(disk().execute({.cdb = bytes({0xc0, 0, 0, 0, 0, 0})}), key::illegal_request, 0x2000);
}

}  // namespace
}  // namespace srpd::test
