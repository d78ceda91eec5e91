// SEND DIAGNOSTIC: SPC-5 6.42.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

class SendDiagnostic : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(SendDiagnostic);

TEST_P(SendDiagnostic, DefaultSelfTestReads) {
  expect_good(disk().execute({.cdb = bytes({0x1d, 0x04, 0, 0, 0, 0})}));
  EXPECT_EQ(device().store().count(Kind::read), 2u);
}

TEST_P(SendDiagnostic, DefaultSelfTestFails) {
  device().store().fail(Kind::read, EIO, disk().block_count() * block_size() - 1);
  expect_check(disk().execute({.cdb = bytes({0x1d, 0x04, 0, 0, 0, 0})}), key::hardware_error,
               0x3e03);
}

TEST_P(SendDiagnostic, WithoutATestNothingHappens) {
  expect_good(disk().execute({.cdb = bytes({0x1d, 0x10, 0, 0, 0, 0})}));
  EXPECT_EQ(device().store().count(Kind::read), 0u);
}

TEST_P(SendDiagnostic, OtherTestsAndPagesAreRefused) {
  expect_bad_field(disk().execute({.cdb = bytes({0x1d, 0x20, 0, 0, 0, 0})}), 1, 7);
  expect_bad_field(disk().execute({.cdb = bytes({0x1d, 0x10, 0, 0, 4, 0}), .data_out = Bytes(4)}),
                   3);
}

}  // namespace
}  // namespace srpd::test
