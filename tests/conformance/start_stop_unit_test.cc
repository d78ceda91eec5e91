// START STOP UNIT: SBC-4 5.31.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

Bytes start_stop(unsigned byte4, unsigned byte1 = 0) {
  return bytes({0x1b, byte1, 0, 0, byte4, 0});
}

class StartStopUnit : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(StartStopUnit);

TEST_P(StartStopUnit, StoppedRefusesTheMediumForEveryHost) {
  const auto other = disk().another_host();
  EXPECT_FALSE(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}).good());
  expect_good(disk().execute({.cdb = start_stop(0)}));
  expect_check(disk().execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()}),
               key::not_ready, 0x0402);
  expect_check(other->execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = pattern(block_size(), 1)}),
               key::not_ready, 0x0402);
  expect_check(
      disk().execute({.cdb = bytes({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0}), .data_in_length = 8}),
      key::not_ready, 0x0402);
  expect_good(disk().execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36}));
  expect_good(other->execute({.cdb = start_stop(1)}));
  expect_good(disk().execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()}));
}

TEST_P(StartStopUnit, ImmedIsAccepted) {
  expect_good(disk().execute({.cdb = start_stop(0, 1)}));
  expect_good(disk().execute({.cdb = start_stop(1, 1)}));
}

TEST_P(StartStopUnit, EjectingAndPowerConditionsAreRefused) {
  expect_bad_field(disk().execute({.cdb = start_stop(0x02)}), 4, 1);
  expect_bad_field(disk().execute({.cdb = start_stop(0x20)}), 4, 7);
}

TEST(StartStopUnitCache, IsFlushedBeforeStopping) {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  InProcessDevice disk{options};
  expect_good(disk.execute({.cdb = start_stop(0x04)}));  // NO_FLUSH
  EXPECT_EQ(disk.store().count(Kind::flush), 0u);
  expect_good(disk.execute({.cdb = start_stop(0)}));
  EXPECT_EQ(disk.store().count(Kind::flush), 1u);
}

TEST(StartStopUnitCache, AFailedFlushKeepsItRunning) {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  InProcessDevice disk{options};
  disk.store().fail(Kind::flush, EIO);
  expect_check(disk.execute({.cdb = start_stop(0)}), key::medium_error, 0x0c00);
  expect_good(disk.execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}));
}

}  // namespace
}  // namespace srpd::test
