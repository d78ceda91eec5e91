// TEST UNIT READY: SPC-5 6.53.
#include "disks.h"

namespace srpd::test {
namespace {

const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

class TestUnitReady : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(TestUnitReady);

TEST_P(TestUnitReady, Ready) {
  expect_good(disk().execute({.cdb = test_unit_ready}));
  expect_good(disk().execute({.cdb = test_unit_ready, .lun = 0xc101000000000000u}));
}

TEST_P(TestUnitReady, StoppedUnitIsNotReady) {
  expect_good(disk().execute({.cdb = start_stop_cdb(false)}));
  expect_check(disk().execute({.cdb = test_unit_ready}), key::not_ready, 0x0402);
}

TEST_P(TestUnitReady, UnknownUnit) {
  expect_check(disk().execute({.cdb = test_unit_ready, .lun = 0x4001000000000001u}),
               key::illegal_request, 0x2500);
}

TEST_P(TestUnitReady, ReservedBytes) {
  expect_bad_field(disk().execute({.cdb = bytes({0, 0, 0, 1, 0, 0})}), 3, 7);
}

}  // namespace
}  // namespace srpd::test
