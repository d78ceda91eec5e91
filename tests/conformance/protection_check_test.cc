// Blocks with protection information, for hosts that know nothing of it (SBC-3 4.22, PROTECT 0):
// data that do not match are never delivered, and what hosts write is right again.
#include <functional>
#include <vector>

#include "disks.h"

namespace srpd::test {
namespace {

constexpr std::uint16_t guard_failed = 0x1001, application_failed = 0x1002,
                        reference_failed = 0x1003;
constexpr unsigned bytchk = 0x02, bytchk_one_block = 0x06, fua = 0x08, unmap = 0x08, ndob = 0x01;

class ProtectionCheck : public OnEveryInProcessDisk {
 protected:
  void SetUp() override { fill(disk(), 0, pattern(64 * block_size(), 1)); }
  void damage(std::uint64_t lba) { disk().store().bytes()[lba * block_size() + 9] ^= std::byte{4}; }
  ScsiReply read(std::uint64_t lba, std::uint32_t blocks, unsigned opcode = 0x28) {
    return disk().execute(
        {.cdb = block_cdb(opcode, lba, blocks), .data_in_length = blocks * block_size()});
  }
  void expect_failed(const ScsiReply& reply, std::uint16_t code, std::uint64_t lba) {
    expect_check(reply, key::aborted_command, code);
    EXPECT_EQ(reply.decoded().information, lba);
    EXPECT_TRUE(reply.data_in.empty());
  }
  ScsiReply write(unsigned opcode, std::uint64_t lba, std::uint32_t blocks, std::size_t sent,
                  unsigned byte1 = 0) {
    return disk().execute({.cdb = block_cdb(opcode, lba, blocks, byte1),
                           .data_out = pattern(sent * block_size(), 7)});
  }
};
SRPD_ON_DISKS(ProtectionCheck, every_protected_disk());

TEST_P(ProtectionCheck, EveryReadFindsTheDamagedBlock) {
  damage(12);
  for (const unsigned opcode : {0x08u, 0x28u, 0xa8u, 0x88u}) {
    expect_failed(read(8, 8, opcode), guard_failed, 12);
    expect_good(read(4, 8, opcode));
    expect_good(read(13, 8, opcode));
  }
}

TEST_P(ProtectionCheck, VerifyReadsAndSoChecks) {
  damage(12);
  expect_failed(disk().execute({.cdb = block_cdb(0x2f, 8, 8)}), guard_failed, 12);
  expect_failed(
      disk().execute({.cdb = block_cdb(0x8f, 12, 1, bytchk), .data_out = pattern(block_size(), 1)}),
      guard_failed, 12);
  expect_failed(disk().execute({.cdb = block_cdb(0x2f, 12, 1, bytchk_one_block),
                                .data_out = pattern(block_size(), 1)}),
                guard_failed, 12);
  expect_good(disk().execute({.cdb = block_cdb(0x2f, 13, 8)}));
}

TEST_P(ProtectionCheck, EachTagHasItsAnswer) {
  std::byte* const application = disk().tuple(5) + 2;
  std::byte* const reference = disk().tuple(9) + 7;
  *application ^= std::byte{1};
  *reference ^= std::byte{1};
  expect_failed(read(0, 32), application_failed, 5);
  expect_failed(read(6, 32), reference_failed, 9);
  expect_good(read(10, 32));
}

TEST_P(ProtectionCheck, EveryChangeOfABlockMakesItRightAgain) {
  const std::vector<std::function<ScsiReply()>> changes = {
      [this] { return write(0x0a, 12, 1, 1); },
      [this] { return write(0x2a, 11, 4, 4); },
      [this] { return write(0xaa, 12, 1, 1); },
      [this] { return write(0x8a, 12, 1, 1, fua); },
      [this] { return write(0x41, 10, 8, 1); },
      [this] { return disk().execute({.cdb = block_cdb(0x93, 10, 8, ndob)}); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    damage(12);
    ASSERT_FALSE(read(0, 32).good()) << i;
    expect_good(changes[i]());
    expect_good(read(0, 32));
    damage(12);
    expect_failed(read(0, 32), guard_failed, 12);
    fill(disk(), 0, pattern(64 * block_size(), 1));
  }
}

// SBC-3 4.7.3.4: no protection information, all FFh.
TEST_P(ProtectionCheck, UnmappedBlocksAreNotChecked) {
  Bytes list(24);
  put_be(list, 0, 2, 22);
  put_be(list, 2, 2, 16);
  put_be(list, 8, 8, 8);
  put_be(list, 16, 4, 8);
  Bytes cdb(10);
  cdb[0] = std::byte{0x42};
  put_be(cdb, 7, 2, list.size());
  damage(12);
  expect_good(disk().execute({.cdb = cdb, .data_out = list}));
  expect_good(read(0, 32));
  damage(12);
  expect_good(read(0, 32));
  damage(16);
  expect_failed(read(0, 32), guard_failed, 16);
  expect_good(
      disk().execute({.cdb = block_cdb(0x93, 16, 8, unmap), .data_out = Bytes(block_size())}));
  damage(16);
  expect_good(read(0, 32));
}

TEST_P(ProtectionCheck, HostsSeeNothingOfIt) {
  const ScsiReply inquiry =
      disk().execute({.cdb = bytes({0x12, 0, 0, 0, 96, 0}), .data_in_length = 96});
  ASSERT_TRUE(inquiry.good());
  EXPECT_EQ(inquiry.data_in.at(5) & std::byte{1}, std::byte{0});
  Bytes cdb(16);
  cdb[0] = std::byte{0x9e};
  cdb[1] = std::byte{0x10};
  cdb[13] = std::byte{32};
  const ScsiReply capacity = disk().execute({.cdb = cdb, .data_in_length = 32});
  ASSERT_TRUE(capacity.good());
  EXPECT_EQ(capacity.data_in.at(12) & std::byte{1}, std::byte{0});
  for (const unsigned opcode : {0x28u, 0x88u, 0x2fu})
    expect_check(disk().execute({.cdb = block_cdb(opcode, 0, 1, 0x20), .data_in_length = 512}),
                 key::illegal_request, 0x2400);
  expect_check(write(0x2a, 0, 1, 1, 0x20), key::illegal_request, 0x2400);
}

}  // namespace
}  // namespace srpd::test
