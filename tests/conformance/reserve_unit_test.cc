// RESERVE(6), RESERVE(10): SPC-2 7.21, 7.22, beside persistent reservations (SPC-4 5.9.3).
#include "disks.h"
#include "support/reservations.h"

namespace srpd::test {
namespace {

const Bytes test_unit_ready = bytes({0, 0, 0, 0, 0, 0});

class Reserve : public OnEveryDisk {
 protected:
  ScsiReply reserve(ScsiDevice& by, bool ten = false) {
    return by.execute(
        {.cdb = ten ? bytes({0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0}) : bytes({0x16, 0, 0, 0, 0, 0})});
  }
  std::unique_ptr<ScsiDevice> greeted() {
    auto other = disk().another_host();
    expect_check(other->execute({.cdb = test_unit_ready}), key::unit_attention, 0x2900);
    return other;
  }
};
SRPD_ON_EVERY_DISK(Reserve);

TEST_P(Reserve, KeepsOthersOut) {
  const auto other = greeted();
  for (const bool ten : {false, true}) {
    expect_good(reserve(disk(), ten));
    expect_good(reserve(disk(), !ten));
    EXPECT_EQ(other->execute({.cdb = test_unit_ready}).status, reservation_conflict);
    EXPECT_EQ(reserve(*other, ten).status, reservation_conflict);
    expect_good(other->execute({.cdb = bytes({0x12, 0, 0, 0, 36, 0}), .data_in_length = 36}));
    expect_good(disk().execute({.cdb = test_unit_ready}));
  }
}

TEST_P(Reserve, ExcludesPersistentReservations) {
  expect_good(reserve(disk()));
  EXPECT_EQ(prout(disk(), 0, {.new_key = 1}).status, reservation_conflict);
  EXPECT_EQ(prin(disk(), 0).status, reservation_conflict);
}

TEST_P(Reserve, ConflictsWithRegistrations) {
  const auto other = greeted();
  expect_good(prout(disk(), 0, {.new_key = 1}));
  EXPECT_EQ(reserve(disk()).status, reservation_conflict);
  EXPECT_EQ(reserve(*other).status, reservation_conflict);
  expect_good(prout(disk(), 1, {.type = 1, .key = 1}));
  expect_good(reserve(disk()));  // the holder's, and nothing comes of it
  expect_good(prin(disk(), 0));
}

}  // namespace
}  // namespace srpd::test
