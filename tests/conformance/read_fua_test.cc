// READ and WRITE with FUA and DPO: SBC-4 4.15.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;
constexpr unsigned dpo = 0x10, fua = 0x08;

InProcessOptions cached() {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  return options;
}

class ReadFua : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(ReadFua);

TEST_P(ReadFua, BothBitsAreAccepted) {
  const Bytes data = pattern(2 * block_size(), 1);
  for (const unsigned opcode : {0x2au, 0xaau, 0x8au})
    expect_good(disk().execute({.cdb = block_cdb(opcode, 0, 2, dpo | fua), .data_out = data}));
  for (const unsigned opcode : {0x28u, 0xa8u, 0x88u}) {
    const ScsiReply reply =
        disk().execute({.cdb = block_cdb(opcode, 0, 2, dpo | fua), .data_in_length = data.size()});
    expect_good(reply);
    EXPECT_EQ(reply.data_in, data);
  }
}

// What is returned is on the medium when the command ends.
TEST(ReadFuaCache, AReadFlushesAVolatileCache) {
  InProcessDevice disk{cached()};
  expect_good(disk.execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = 512}));
  EXPECT_EQ(disk.store().count(Kind::flush), 0u);
  expect_good(disk.execute({.cdb = block_cdb(0x28, 0, 1, fua), .data_in_length = 512}));
  EXPECT_EQ(disk.store().count(Kind::flush), 1u);
  disk.store().fail(Kind::flush, EIO);
  const ScsiReply reply = disk.execute({.cdb = block_cdb(0x28, 0, 1, fua), .data_in_length = 512});
  expect_check(reply, key::medium_error, 0x0c00);
  EXPECT_TRUE(reply.data_in.empty());
}

// An LBA bit of READ(6) is where FUA is elsewhere.
TEST(ReadFuaCache, Read6HasNoFua) {
  InProcessOptions options = cached();
  options.store.bytes = std::uint64_t{512} << 20;
  InProcessDevice disk{options};
  expect_good(disk.execute({.cdb = block_cdb(0x08, 0x080000, 1), .data_in_length = 512}));
  EXPECT_EQ(disk.store().count(Kind::flush), 0u);
  expect_good(disk.execute({.cdb = block_cdb(0x0a, 0x080000, 1), .data_out = Bytes(512)}));
  EXPECT_EQ(disk.store().fua_writes(), 0u);
}

TEST(ReadFuaCache, AWriteIsOneWithFua) {
  InProcessDevice disk{cached()};
  expect_good(disk.execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = Bytes(512)}));
  EXPECT_EQ(disk.store().fua_writes(), 0u);
  expect_good(disk.execute({.cdb = block_cdb(0x2a, 0, 1, fua), .data_out = Bytes(512)}));
  EXPECT_EQ(disk.store().fua_writes(), 1u);
}

}  // namespace
}  // namespace srpd::test
