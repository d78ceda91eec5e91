// PERSISTENT RESERVE IN: SPC-4 6.15.
#include "disks.h"
#include "support/hex.h"
#include "support/reservations.h"

namespace srpd::test {
namespace {

class PersistentReserveIn : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(PersistentReserveIn);

TEST_P(PersistentReserveIn, NothingIsThere) {
  for (const unsigned action : {0u, 1u, 3u})
    EXPECT_EQ(to_hex(prin(disk(), action).data_in), "0000000000000000");
}

TEST_P(PersistentReserveIn, Capabilities) {
  EXPECT_EQ(to_hex(prin(disk(), 2).data_in), "00081c90ea010000")
      << "CRH, SIP_C, ATP_C; all types; nothing survives a loss of power here";
}

TEST_P(PersistentReserveIn, KeysAndReservation) {
  expect_good(prout(disk(), 0, {.new_key = 0x0102030405060708}));
  EXPECT_EQ(to_hex(prin(disk(), 0).data_in), "00000001000000080102030405060708");
  EXPECT_EQ(to_hex(prin(disk(), 1).data_in), "0000000100000000");
  expect_good(prout(disk(), 1, {.type = 5, .key = 0x0102030405060708}));
  EXPECT_EQ(to_hex(prin(disk(), 1).data_in), "000000010000001001020304050607080000000000050000");
  expect_good(prout(disk(), 2, {.type = 5, .key = 0x0102030405060708}));
  expect_good(prout(disk(), 1, {.type = 8, .key = 0x0102030405060708}));
  EXPECT_EQ(to_hex(prin(disk(), 1).data_in), "000000010000001000000000000000000000000000080000")
      << "all registrants hold it";
}

TEST_P(PersistentReserveIn, FullStatus) {
  expect_good(prout(disk(), 0, {.new_key = 0xa1}));
  const auto other = disk().another_host();
  expect_check(other->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention, 0x2900);
  expect_good(prout(*other, 0, {.new_key = 0xb2, .flags = 4}));
  expect_good(prout(disk(), 1, {.type = 1, .key = 0xa1}));
  const std::string status = to_hex(prin(disk(), 3).data_in);
  ASSERT_EQ(status.size(), 2u * (8 + 2 * 48));
  EXPECT_EQ(status.substr(0, 16), "0000000200000060");
  EXPECT_EQ(status.substr(16, 64),
            "00000000000000a100000000010100000000000100000018"
            "0400000000000000");
  EXPECT_EQ(status.substr(16 + 96, 64),
            "00000000000000b200000000020000000000000000000018"
            "0400000000000000");
  EXPECT_NE(status.substr(16 + 64, 32), status.substr(16 + 96 + 64, 32));
}

TEST_P(PersistentReserveIn, IsCutToTheLengthAskedFor) {
  expect_good(prout(disk(), 0, {.new_key = 0x0102030405060708}));
  EXPECT_EQ(to_hex(prin(disk(), 0, 12).data_in), "000000010000000801020304");
  EXPECT_EQ(to_hex(prin(disk(), 0, 0).data_in), "");
}

TEST_P(PersistentReserveIn, UnknownServiceActions) { expect_bad_field(prin(disk(), 4), 1); }

}  // namespace
}  // namespace srpd::test
