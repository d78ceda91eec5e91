// READ: what is refused, and how. SBC-4 5.16 to 5.19, SPC-5 4.4.2.4.2 for the field pointers.
#include "disks.h"

namespace srpd::test {
namespace {

class ReadRefusal : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(ReadRefusal);

TEST_P(ReadRefusal, BeyondTheEnd) {
  const std::uint64_t end = disk().block_count();
  for (const unsigned opcode : {0x08u, 0x28u, 0xa8u, 0x88u}) {
    for (const auto& [lba, blocks] : {std::pair{end, 1u}, {end - 1, 2u}, {end + 1, 4u}}) {
      const ScsiReply reply =
          disk().execute({.cdb = block_cdb(opcode, lba, blocks), .data_in_length = 4096});
      expect_check(reply, key::illegal_request, 0x2100);
      EXPECT_EQ(reply.decoded().information, lba);
      EXPECT_TRUE(reply.data_in.empty());
    }
  }
}

TEST_P(ReadRefusal, WrapsAround) {
  expect_check(disk().execute({.cdb = block_cdb(0x88, UINT64_MAX, 2), .data_in_length = 4096}),
               key::illegal_request, 0x2100);
  expect_check(disk().execute({.cdb = block_cdb(0x28, UINT32_MAX, 0xffff), .data_in_length = 4096}),
               key::illegal_request, 0x2100);
}

TEST_P(ReadRefusal, ProtectionInformation) {
  for (const unsigned opcode : {0x28u, 0xa8u, 0x88u})
    expect_bad_field(
        disk().execute({.cdb = block_cdb(opcode, 0, 1, 0x20), .data_in_length = block_size()}), 1,
        7);
}

TEST_P(ReadRefusal, NacaAndLinkBits) {
  for (const unsigned opcode : {0x08u, 0x28u, 0xa8u, 0x88u}) {
    Bytes cdb = block_cdb(opcode, 0, 1);
    cdb.back() = std::byte{0x04};
    const auto last = static_cast<std::uint16_t>(cdb.size() - 1);
    expect_bad_field(disk().execute({.cdb = cdb, .data_in_length = block_size()}), last, 5);
    cdb.back() = std::byte{0xc0};  // vendor specific
    expect_good(disk().execute({.cdb = cdb, .data_in_length = block_size()}));
  }
}

TEST_P(ReadRefusal, ReservedBits) {
  Bytes cdb = block_cdb(0x28, 0, 1);
  cdb[6] = std::byte{0x40};
  expect_bad_field(disk().execute({.cdb = cdb, .data_in_length = block_size()}), 6, 7);
}

TEST_P(ReadRefusal, WhereNoUnitIs) {
  expect_check(
      disk().execute(
          {.cdb = block_cdb(0x28, 0, 1), .data_in_length = 512, .lun = 0x0001000000000000u}),
      key::illegal_request, 0x2500);
}

TEST(ReadRefusalLimits, MoreThanTheLargestTransfer) {
  InProcessOptions options;
  options.store.properties.max_transfer_bytes = 64 * 512;
  InProcessDevice disk{options};
  expect_good(disk.execute({.cdb = block_cdb(0x28, 0, 64), .data_in_length = 64 * 512}));
  expect_bad_field(disk.execute({.cdb = block_cdb(0x28, 0, 65), .data_in_length = 65 * 512}), 7);
}

TEST(ReadRefusalLimits, FuaWhereItIsSwitchedOff) {
  InProcessOptions options;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->emulate_fua_read = false;
  InProcessDevice disk{options};
  expect_bad_field(disk.execute({.cdb = block_cdb(0x28, 0, 1, 0x08), .data_in_length = 512}), 1, 3);
}

}  // namespace
}  // namespace srpd::test
