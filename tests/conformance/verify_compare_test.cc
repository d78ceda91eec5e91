// VERIFY(10), (12), (16): SBC-4 5.35 to 5.37.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;
constexpr unsigned bytchk_1 = 0x02, bytchk_2 = 0x04, bytchk_3 = 0x06;
constexpr unsigned opcodes[] = {0x2f, 0xaf, 0x8f};

class VerifyCompare : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(VerifyCompare);

TEST_P(VerifyCompare, WithoutDataOut) {
  for (const unsigned opcode : opcodes) {
    const ScsiReply reply = disk().execute({.cdb = block_cdb(opcode, 0, 8)});
    expect_good(reply);
    EXPECT_EQ(reply.residual_out, 0);
  }
}

TEST_P(VerifyCompare, EveryBlock) {
  Bytes data = pattern(6 * block_size(), 1);
  fill(disk(), 10, data);
  for (const unsigned opcode : opcodes) {
    const ScsiReply equal =
        disk().execute({.cdb = block_cdb(opcode, 10, 6, bytchk_1), .data_out = data});
    expect_good(equal);
    EXPECT_EQ(equal.moved_out, data.size());
    Bytes other = data;
    const std::size_t at = 3 * block_size() + 17;
    other[at] ^= std::byte{1};
    const ScsiReply reply =
        disk().execute({.cdb = block_cdb(opcode, 10, 6, bytchk_1), .data_out = other});
    expect_check(reply, key::miscompare, 0x1d00);
    EXPECT_EQ(reply.decoded().information, at);
  }
}

TEST_P(VerifyCompare, EveryBlockOfMoreThanOneBuffer) {
  const std::uint32_t blocks = (3u << 20) / block_size();
  Bytes data = pattern(blocks * block_size(), 2);
  fill(disk(), 0, data);
  expect_good(disk().execute({.cdb = block_cdb(0x8f, 0, blocks, bytchk_1), .data_out = data}));
  data.back() ^= std::byte{0x80};
  const ScsiReply reply =
      disk().execute({.cdb = block_cdb(0x8f, 0, blocks, bytchk_1), .data_out = data});
  expect_check(reply, key::miscompare, 0x1d00);
  EXPECT_EQ(reply.decoded().information, data.size() - 1);
}

TEST_P(VerifyCompare, OneBlockAgainstMany) {
  const Bytes block = pattern(block_size(), 3);
  const std::uint32_t blocks = (2u << 20) / block_size() + 1;
  Bytes data;
  for (std::uint32_t i = 0; i < blocks; ++i) data.insert(data.end(), block.begin(), block.end());
  fill(disk(), 0, data);
  for (const unsigned opcode : opcodes) {
    const ScsiReply reply =
        disk().execute({.cdb = block_cdb(opcode, 0, blocks, bytchk_3), .data_out = block});
    expect_good(reply);
    EXPECT_EQ(reply.moved_out, block_size());
    EXPECT_EQ(reply.residual_out, 0);
  }
  fill(disk(), blocks - 1, pattern(block_size(), 4));
  const ScsiReply reply =
      disk().execute({.cdb = block_cdb(0x2f, 0, blocks, bytchk_3), .data_out = block});
  expect_check(reply, key::miscompare, 0x1d00);
  EXPECT_GE(reply.decoded().information.value_or(0), (blocks - 1) * block_size());
}

TEST_P(VerifyCompare, ZeroBlocks) {
  for (const unsigned check : {0u, bytchk_1, bytchk_3})
    expect_good(disk().execute({.cdb = block_cdb(0x2f, 0, 0, check)}));
}

TEST_P(VerifyCompare, Refusals) {
  expect_bad_field(disk().execute({.cdb = block_cdb(0x2f, 0, 1, bytchk_2)}), 1, 2);
  expect_bad_field(disk().execute({.cdb = block_cdb(0x8f, 0, 1, 0x20)}), 1, 7);
  expect_check(disk().execute({.cdb = block_cdb(0x2f, disk().block_count(), 1)}),
               key::illegal_request, 0x2100);
  expect_check(disk().execute(
                   {.cdb = block_cdb(0x2f, 0, 2, bytchk_1), .data_out = pattern(block_size(), 1)}),
               key::illegal_request, 0x0e03);
}

class VerifyMedium : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(VerifyMedium);

TEST_P(VerifyMedium, IsRead) {
  for (const unsigned opcode : opcodes) {
    const std::size_t before = disk().store().count(Kind::read);
    const ScsiReply reply = disk().execute({.cdb = block_cdb(opcode, 0, 8)});
    expect_good(reply);
    EXPECT_EQ(reply.moved_out, 0u);
    EXPECT_GT(disk().store().count(Kind::read), before);
  }
}

TEST_P(VerifyMedium, UnreadableBlock) {
  disk().store().fail(Kind::read, EIO, 5 * block_size());
  for (const unsigned opcode : opcodes) {
    const ScsiReply reply = disk().execute({.cdb = block_cdb(opcode, 2, 8)});
    expect_check(reply, key::medium_error, 0x1100);
    EXPECT_EQ(reply.decoded().information, 5u);
  }
}

}  // namespace
}  // namespace srpd::test
