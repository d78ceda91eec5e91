// Unit attention conditions: SAM-5 5.14.
#include "disks.h"

namespace srpd::test {
namespace {

using scsi::UnitAttention;
const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

class UnitAttentionOfNewHosts : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(UnitAttentionOfNewHosts);

TEST_P(UnitAttentionOfNewHosts, PowerOnForEach) {
  const auto second = disk().another_host();
  const auto third = disk().another_host();
  for (ScsiDevice* const host : {third.get(), second.get()}) {
    expect_check(host->execute({.cdb = test_unit_ready}), key::unit_attention, 0x2900);
    expect_good(host->execute({.cdb = test_unit_ready}));
  }
  expect_good(disk().execute({.cdb = test_unit_ready}));
}

TEST_P(UnitAttentionOfNewHosts, KeepsAWriteFromHappening) {
  const Bytes before = pattern(block_size(), 1);
  fill(disk(), 0, before);
  const auto other = disk().another_host();
  const ScsiReply reply =
      other->execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = pattern(block_size(), 2)});
  expect_check(reply, key::unit_attention, 0x2900);
  EXPECT_EQ(reply.moved_out, 0u);
  EXPECT_EQ(content(disk(), 0, 1), before);
}

TEST_P(UnitAttentionOfNewHosts, InquiryAndReportLunsPassIt) {
  const auto other = disk().another_host();
  expect_good(other->execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36}));
  expect_good(other->execute(
      {.cdb = bytes({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}), .data_in_length = 256}));
  expect_check(other->execute({.cdb = test_unit_ready}), key::unit_attention, 0x2900);
}

class UnitAttentions : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(UnitAttentions);

TEST_P(UnitAttentions, ReportedOnceInOrderOfImportance) {
  scsi::ItlNexus& itl = disk().host(0).itl();
  itl.raise(UnitAttention::inquiry_data_changed);
  itl.raise(UnitAttention::capacity_changed);
  itl.raise(UnitAttention::bus_device_reset);
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{0x2903, 0x2a09, 0x3f03})
    expect_check(disk().execute({.cdb = test_unit_ready}), key::unit_attention, code);
  expect_good(disk().execute({.cdb = test_unit_ready}));
}

TEST_P(UnitAttentions, ReportLunsClearsReportedLunsChanged) {
  disk().host(0).itl().raise(UnitAttention::reported_luns_changed);
  expect_good(disk().execute(
      {.cdb = bytes({0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}), .data_in_length = 256}));
  expect_good(disk().execute({.cdb = test_unit_ready}));
}

TEST_P(UnitAttentions, ComesBeforeAnInvalidOperationCode) {
  disk().host(0).itl().raise(UnitAttention::bus_device_reset);
  expect_check(disk().execute({.cdb = bytes({0xc0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2903);
  expect_check(disk().execute({.cdb = bytes({0xc0, 0, 0, 0, 0, 0})}), key::illegal_request, 0x2000);
}

}  // namespace
}  // namespace srpd::test
