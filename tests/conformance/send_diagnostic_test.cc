// SEND DIAGNOSTIC: SPC-5 6.42.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

class SendDiagnostic : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(SendDiagnostic);

const Bytes default_self_test = bytes({0x1d, 0x04, 0, 0, 0, 0});
const Bytes no_test = bytes({0x1d, 0x10, 0, 0, 0, 0});

TEST_P(SendDiagnostic, SelfTestAndNone) {
  expect_good(disk().execute({.cdb = default_self_test}));
  expect_good(disk().execute({.cdb = no_test}));
}

TEST_P(SendDiagnostic, OtherTestsAndPagesAreRefused) {
  expect_bad_field(disk().execute({.cdb = bytes({0x1d, 0x20, 0, 0, 0, 0})}), 1, 7);
  expect_bad_field(disk().execute({.cdb = bytes({0x1d, 0x10, 0, 0, 4, 0}), .data_out = Bytes(4)}),
                   3);
}

class SendDiagnosticStore : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(SendDiagnosticStore);

TEST_P(SendDiagnosticStore, DefaultSelfTestReads) {
  expect_good(disk().execute({.cdb = default_self_test}));
  EXPECT_EQ(disk().store().count(Kind::read), 2u);
}

TEST_P(SendDiagnosticStore, DefaultSelfTestFails) {
  disk().store().fail(Kind::read, EIO, disk().block_count() * block_size() - 1);
  expect_check(disk().execute({.cdb = default_self_test}), key::hardware_error, 0x3e03);
}

TEST_P(SendDiagnosticStore, WithoutATestNothingHappens) {
  expect_good(disk().execute({.cdb = no_test}));
  EXPECT_EQ(disk().store().count(Kind::read), 0u);
}

}  // namespace
}  // namespace srpd::test
