// RELEASE(6), RELEASE(10): SPC-2 7.16, 7.17, beside persistent reservations (SPC-4 5.9.3).
#include "disks.h"
#include "support/reservations.h"

namespace srpd::test {
namespace {

class Release : public OnEveryDisk {
 protected:
  static ScsiReply release(ScsiDevice& by, bool ten = false) {
    return by.execute(
        {.cdb = ten ? bytes({0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0}) : bytes({0x17, 0, 0, 0, 0, 0})});
  }
};
SRPD_ON_EVERY_DISK(Release);

TEST_P(Release, IsForWhoReserved) {
  const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});
  const auto other = disk().another_host();
  expect_check(other->execute({.cdb = test_unit_ready}), key::unit_attention, 0x2900);
  for (const bool ten : {false, true}) {
    expect_good(release(disk(), ten));
    expect_good(disk().execute({.cdb = bytes({0x16, 0, 0, 0, 0, 0})}));
    expect_good(release(*other, ten));
    EXPECT_EQ(other->execute({.cdb = test_unit_ready}).status, reservation_conflict);
    expect_good(release(disk(), ten));
    expect_good(other->execute({.cdb = test_unit_ready}));
  }
}

TEST_P(Release, DoesNotReleaseAPersistentReservation) {
  expect_good(prout(disk(), 0, {.new_key = 1}));
  EXPECT_EQ(release(disk()).status, reservation_conflict);
  expect_good(prout(disk(), 1, {.type = 3, .key = 1}));
  expect_good(release(disk()));
  EXPECT_EQ(prin(disk(), 1).data_in.at(7), std::byte{16});
}

}  // namespace
}  // namespace srpd::test
