// READ CAPACITY(10) and (16): SBC-4 5.20, 5.21.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

Bytes read_capacity_16(std::uint32_t length) {
  Bytes cdb = bytes({0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 10, 4, length);
  return cdb;
}
const Bytes read_capacity_10 = bytes({0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0});

class ReadCapacity : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(ReadCapacity);

TEST_P(ReadCapacity, Short) {
  const ScsiReply reply = disk().execute({.cdb = read_capacity_10, .data_in_length = 8});
  expect_good(reply);
  ASSERT_EQ(reply.data_in.size(), 8u);
  EXPECT_EQ(get_be(reply.data_in, 0, 4), disk().block_count() - 1);
  EXPECT_EQ(get_be(reply.data_in, 4, 4), block_size());
}

TEST_P(ReadCapacity, LongTellsProvisioningAndPhysicalBlocks) {
  const ScsiReply reply = disk().execute({.cdb = read_capacity_16(32), .data_in_length = 32});
  expect_good(reply);
  ASSERT_EQ(reply.data_in.size(), 32u);
  EXPECT_EQ(get_be(reply.data_in, 0, 8), disk().block_count() - 1);
  EXPECT_EQ(get_be(reply.data_in, 8, 4), block_size());
  EXPECT_EQ(get_be(reply.data_in, 12, 1), 0u);  // no protection
  EXPECT_EQ(block_size() << get_be(reply.data_in, 13, 1), properties().physical_block_size);
  EXPECT_EQ(get_be(reply.data_in, 14, 2), 0xc000u);  // LBPME, LBPRZ
}

TEST_P(ReadCapacity, LongIsCutToTheAllocationLength) {
  const ScsiReply reply = disk().execute({.cdb = read_capacity_16(12), .data_in_length = 32});
  expect_good(reply);
  EXPECT_EQ(reply.data_in.size(), 12u);
}

TEST_P(ReadCapacity, PmiIsRefused) {
  Bytes cdb = read_capacity_10;
  cdb[8] = std::byte{1};
  expect_bad_field(disk().execute({.cdb = cdb, .data_in_length = 8}), 8, 7);
}

TEST_P(ReadCapacity, AnotherServiceActionIsRefused) {
  Bytes cdb = read_capacity_16(32);
  cdb[1] = std::byte{0x1f};
  expect_bad_field(disk().execute({.cdb = cdb, .data_in_length = 32}), 1, 4);
}

// The vectors LIO sends for a 256 MiB ramdisk without UNMAP.
TEST(ReadCapacityVector, Lio) {
  InProcessOptions options;
  options.store.bytes = std::uint64_t{256} << 20;
  InProcessDevice disk{options};
  const ScsiReply reply = disk.execute({.cdb = read_capacity_16(32), .data_in_length = 32});
  EXPECT_EQ(to_hex(reply.data_in),
            "000000000007ffff000002000000000000000000000000000000000000000000");
}

TEST(ReadCapacityVector, GrowthIsAnnounced) {
  InProcessDevice disk{InProcessOptions{}};
  disk.store().resize(std::uint64_t{2} << 20);
  expect_check(disk.execute({.cdb = read_capacity_10, .data_in_length = 8}), key::unit_attention,
               0x2a09);
  const ScsiReply reply = disk.execute({.cdb = read_capacity_10, .data_in_length = 8});
  EXPECT_EQ(get_be(reply.data_in, 0, 4), (2u << 20) / 512 - 1);
}

}  // namespace
}  // namespace srpd::test
