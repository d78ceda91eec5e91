// What hosts are told when the store fails: SPC-5 4.4, annex F.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

struct Case {
  int error;
  std::uint8_t key;
  std::uint16_t read_code;
  std::uint16_t write_code;
};
constexpr Case cases[] = {
    {EIO, key::medium_error, 0x1100, 0x0c00},
    {ENOSPC, key::data_protect, 0x2707, 0x2707},
    {EROFS, key::data_protect, 0x2700, 0x2700},
    {ENODEV, key::not_ready, 0x0412, 0x0412},
    {EILSEQ, key::aborted_command, 0x1001, 0x1001},
    {EBADR, key::aborted_command, 0x1002, 0x1002},
    {EBADSLT, key::aborted_command, 0x1003, 0x1003},
    {ETIMEDOUT, key::aborted_command, 0x2e02, 0x2e02},
    {EINVAL, key::hardware_error, 0x4400, 0x4400},
};

// Errors of lent memory cannot happen: these are stores with operations.
class StoreError : public OnEveryInProcessDisk {};
SRPD_ON_DISKS(StoreError, every_disk_with_operations());

TEST_P(StoreError, OfAReadAndAWrite) {
  for (const Case& c : cases) {
    InProcessDevice fresh{GetParam().options};
    fresh.store().fail(Kind::read, c.error, 6 * block_size() + 3);
    fresh.store().fail(Kind::write, c.error, 7 * block_size());
    const ScsiReply read =
        fresh.execute({.cdb = block_cdb(0x28, 4, 4), .data_in_length = 4 * block_size()});
    expect_check(read, c.key, c.read_code);
    EXPECT_TRUE(read.data_in.empty());
    const ScsiReply write =
        fresh.execute({.cdb = block_cdb(0x2a, 4, 4), .data_out = pattern(4 * block_size(), 1)});
    expect_check(write, c.key, c.write_code);
    EXPECT_EQ(write.moved_out, 0u);
    if (c.error != EIO) continue;
    EXPECT_EQ(read.decoded().information, 6u);
    EXPECT_EQ(write.decoded().information, 7u);
  }
}

TEST_P(StoreError, OutOfMemoryIsBusy) {
  disk().store().fail(Kind::read, ENOMEM, 0);
  EXPECT_EQ(disk().execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()}).status,
            0x08);
}

// What was delivered before the error counts as moved.
TEST_P(StoreError, InTheSecondPieceOfARead) {
  const std::uint32_t blocks = (2u << 20) / block_size();
  disk().store().fail(Kind::read, EIO, (1u << 20) + block_size());
  const ScsiReply reply =
      disk().execute({.cdb = block_cdb(0x88, 0, blocks), .data_in_length = blocks * block_size()});
  expect_check(reply, key::medium_error, 0x1100);
  EXPECT_EQ(reply.data_in.size(), 1u << 20);
}

TEST_P(StoreError, OfTheDataTransfer) {
  disk().host(0).command.transfer_error = -EIO;
  if (GetParam().options.arrival != TestCommand::Arrival::immediate)
    expect_check(
        disk().execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = pattern(block_size(), 1)}),
        key::aborted_command, 0x4b00);
}

TEST_P(StoreError, InDescriptorFormat) {
  disk().lu().descriptor_sense.store(true);
  disk().store().fail(Kind::read, EIO, 6 * block_size());
  const ScsiReply reply = disk().execute({.cdb = block_cdb(0x8f, 4, 4)});
  expect_check(reply, key::medium_error, 0x1100);
  EXPECT_EQ(reply.decoded().response_code, 0x72);
  EXPECT_EQ(reply.decoded().information, 6u);
}

}  // namespace
}  // namespace srpd::test
