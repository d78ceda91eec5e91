// READ(6), (10), (12), (16): what comes back. SBC-4 5.16 to 5.19.
#include "disks.h"

namespace srpd::test {
namespace {

class ReadData : public OnEveryDisk {
 protected:
  ScsiReply read(unsigned opcode, std::uint64_t lba, std::uint32_t blocks, std::size_t buffer) {
    return disk().execute({.cdb = block_cdb(opcode, lba, blocks), .data_in_length = buffer});
  }
};
SRPD_ON_EVERY_DISK(ReadData);

TEST_P(ReadData, EveryFormReturnsWhatIsThere) {
  const Bytes data = pattern(7 * block_size(), 1);
  fill(disk(), 3, data);
  for (const unsigned opcode : {0x08u, 0x28u, 0xa8u, 0x88u}) {
    const ScsiReply reply = read(opcode, 3, 7, data.size());
    expect_good(reply);
    EXPECT_EQ(reply.data_in, data) << opcode;
    EXPECT_EQ(reply.residual_in, 0);
  }
}

TEST_P(ReadData, LargerThanOneBuffer) {
  const std::uint32_t blocks = (3u << 20) / block_size() + 1;
  const Bytes data = pattern(blocks * block_size(), 2);
  fill(disk(), 1, data);
  EXPECT_EQ(content(disk(), 1, blocks), data);
}

TEST_P(ReadData, Read6OfZeroBlocksMeans256) {
  const ScsiReply reply = read(0x08, 0, 0, 256 * block_size());
  expect_good(reply);
  EXPECT_EQ(reply.data_in.size(), 256 * block_size());
}

TEST_P(ReadData, ZeroBlocksMoveNothing) {
  for (const unsigned opcode : {0x28u, 0xa8u, 0x88u}) {
    const ScsiReply reply = read(opcode, 0, 0, block_size());
    expect_good(reply);
    EXPECT_TRUE(reply.data_in.empty());
    EXPECT_EQ(reply.residual_in, -static_cast<std::int64_t>(block_size()));
    expect_good(read(opcode, disk().block_count(), 0, 0));
  }
}

TEST_P(ReadData, SmallerBufferTakesWhatFits) {
  const Bytes data = pattern(4 * block_size(), 3);
  fill(disk(), 0, data);
  const std::size_t room = block_size() + 100;
  const ScsiReply reply = read(0x28, 0, 4, room);
  expect_good(reply);
  EXPECT_EQ(reply.data_in, Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(room)));
  EXPECT_EQ(reply.residual_in, static_cast<std::int64_t>(data.size() - room));
}

TEST_P(ReadData, WithoutABufferNothingMoves) {
  const ScsiReply reply = read(0x28, 0, 4, 0);
  expect_good(reply);
  EXPECT_EQ(reply.residual_in, 4 * static_cast<std::int64_t>(block_size()));
}

TEST_P(ReadData, LargerBufferUnderflows) {
  const ScsiReply reply = read(0x28, 0, 1, 3 * block_size());
  expect_good(reply);
  EXPECT_EQ(reply.data_in.size(), block_size());
  EXPECT_EQ(reply.residual_in, -2 * static_cast<std::int64_t>(block_size()));
}

}  // namespace
}  // namespace srpd::test
