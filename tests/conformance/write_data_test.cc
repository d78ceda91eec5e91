// WRITE(6), (10), (12), (16): what gets onto the disk. SBC-4 5.39 to 5.42.
#include "disks.h"

namespace srpd::test {
namespace {

class WriteData : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(WriteData);

TEST_P(WriteData, EveryFormWritesAndNothingElse) {
  unsigned seed = 10;
  for (const unsigned opcode : {0x0au, 0x2au, 0xaau, 0x8au}) {
    const Bytes around = pattern(9 * block_size(), ++seed);
    fill(disk(), 4, around);
    const Bytes data = pattern(5 * block_size(), ++seed);
    const ScsiReply reply = disk().execute({.cdb = block_cdb(opcode, 6, 5), .data_out = data});
    expect_good(reply);
    EXPECT_EQ(reply.moved_out, data.size());
    EXPECT_EQ(reply.residual_out, 0);
    Bytes expected = around;
    std::copy(data.begin(), data.end(), expected.begin() + 2 * block_size());
    EXPECT_EQ(content(disk(), 4, 9), expected) << opcode;
  }
}

TEST_P(WriteData, LargerThanOneBuffer) {
  const std::uint32_t blocks = (2u << 20) / block_size() + 3;
  const Bytes data = pattern(blocks * block_size(), 20);
  fill(disk(), 5, data);
  EXPECT_EQ(content(disk(), 5, blocks), data);
}

TEST_P(WriteData, ZeroBlocksMoveNothing) {
  for (const unsigned opcode : {0x2au, 0xaau, 0x8au}) {
    const ScsiReply reply =
        disk().execute({.cdb = block_cdb(opcode, 0, 0), .data_out = pattern(block_size(), 1)});
    expect_good(reply);
    EXPECT_EQ(reply.moved_out, 0u);
    EXPECT_EQ(reply.residual_out, -static_cast<std::int64_t>(block_size()));
  }
}

TEST_P(WriteData, LongerBufferUnderflows) {
  const Bytes data = pattern(3 * block_size(), 21);
  const ScsiReply reply = disk().execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = data});
  expect_good(reply);
  EXPECT_EQ(reply.moved_out, block_size());
  EXPECT_EQ(reply.residual_out, -2 * static_cast<std::int64_t>(block_size()));
}

// As LIO does it: nothing is written.
TEST_P(WriteData, ShorterBufferIsRefused) {
  const Bytes before = pattern(4 * block_size(), 22);
  fill(disk(), 0, before);
  for (const std::size_t size : {std::size_t{0}, std::size_t{block_size()}}) {
    const ScsiReply reply =
        disk().execute({.cdb = block_cdb(0x2a, 0, 4), .data_out = pattern(size, 23)});
    expect_check(reply, key::illegal_request, 0x0e03);
    EXPECT_EQ(reply.moved_out, 0u);
  }
  EXPECT_EQ(content(disk(), 0, 4), before);
}

}  // namespace
}  // namespace srpd::test
