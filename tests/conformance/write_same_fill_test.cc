// WRITE SAME(10) and (16): SBC-4 5.47, 5.48.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;
constexpr unsigned anchor = 0x10, unmap_bit = 0x08, ndob = 0x01;

Bytes repeated(const Bytes& block, std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) out.insert(out.end(), block.begin(), block.end());
  return out;
}

class WriteSameFill : public OnEveryDisk {
 protected:
  Bytes zeroes(std::size_t blocks) { return Bytes(blocks * block_size()); }
};
SRPD_ON_EVERY_DISK(WriteSameFill);

TEST_P(WriteSameFill, APatternInEveryBlockAndNowhereElse) {
  unsigned seed = 0;
  for (const unsigned opcode : {0x41u, 0x93u}) {
    const Bytes around = pattern(7 * block_size(), ++seed);
    fill(disk(), 2, around);
    const Bytes block = pattern(block_size(), ++seed);
    const ScsiReply reply = disk().execute({.cdb = block_cdb(opcode, 4, 3), .data_out = block});
    expect_good(reply);
    EXPECT_EQ(reply.moved_out, block_size());
    Bytes expected = around;
    const Bytes inside = repeated(block, 3);
    std::copy(inside.begin(), inside.end(), expected.begin() + 2 * block_size());
    EXPECT_EQ(content(disk(), 2, 7), expected);
  }
}

TEST_P(WriteSameFill, APatternInMoreThanOneBuffer) {
  const std::uint32_t blocks = (2u << 20) / block_size() + 5;
  const Bytes block = pattern(block_size(), 9);
  expect_good(disk().execute({.cdb = block_cdb(0x93, 1, blocks), .data_out = block}));
  EXPECT_EQ(content(disk(), 1, blocks), repeated(block, blocks));
}

TEST_P(WriteSameFill, ZeroesWithAndWithoutUnmap) {
  for (const unsigned flags : {0u, unmap_bit}) {
    fill(disk(), 0, pattern(8 * block_size(), 5));
    expect_good(disk().execute({.cdb = block_cdb(0x41, 0, 8, flags), .data_out = zeroes(1)}));
    EXPECT_EQ(content(disk(), 0, 8), zeroes(8));
  }
}

TEST_P(WriteSameFill, WithoutDataOut) {
  for (const unsigned flags : {ndob, ndob | unmap_bit}) {
    fill(disk(), 0, pattern(8 * block_size(), 6));
    const ScsiReply reply = disk().execute({.cdb = block_cdb(0x93, 0, 8, flags)});
    expect_good(reply);
    EXPECT_EQ(reply.residual_out, 0);
    EXPECT_EQ(content(disk(), 0, 8), zeroes(8));
  }
}

TEST_P(WriteSameFill, Refusals) {
  const Bytes block = pattern(block_size(), 7);
  const auto run = [&](const Bytes& cdb) {
    return disk().execute({.cdb = cdb, .data_out = block});
  };
  expect_bad_field(run(block_cdb(0x41, 0, 0)), 7);  // WSNZ
  expect_bad_field(run(block_cdb(0x93, 0, 0)), 10);
  expect_bad_field(run(block_cdb(0x93, 0, 1, anchor)), 1, 4);
  expect_bad_field(run(block_cdb(0x93, 0, 1, anchor | unmap_bit)), 1, 4);
  expect_bad_field(run(block_cdb(0x41, 0, 1, ndob)), 1, 2);  // only the long form has it
  expect_bad_field(run(block_cdb(0x93, 0, 1, 0x20)), 1, 7);
  expect_check(run(block_cdb(0x93, disk().block_count(), 1)), key::illegal_request, 0x2100);
  expect_check(disk().execute({.cdb = block_cdb(0x93, 0, 1)}), key::illegal_request, 0x0e03);
}

class WriteSameStore : public OnEveryInProcessDisk {};
SRPD_ON_DISKS(WriteSameStore, every_disk_with_operations());

TEST_P(WriteSameStore, ZeroesGoToTheStoreAsSuchWhereItCan) {
  expect_good(disk().execute({.cdb = block_cdb(0x41, 0, 8), .data_out = Bytes(block_size())}));
  EXPECT_FALSE(disk().store().last_may_unmap());
  expect_good(
      disk().execute({.cdb = block_cdb(0x41, 0, 8, unmap_bit), .data_out = Bytes(block_size())}));
  EXPECT_TRUE(disk().store().last_may_unmap());
  EXPECT_EQ(disk().store().count(Kind::write_zeroes), 2u);
  EXPECT_EQ(disk().store().count(Kind::write), 0u);
}

TEST(WriteSameLimits, LongestAndUnmapSwitch) {
  InProcessOptions options;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->max_write_same_len = 16;
  InProcessDevice disk{options};
  const Bytes block(512);
  expect_good(disk.execute({.cdb = block_cdb(0x93, 0, 16), .data_out = block}));
  expect_bad_field(disk.execute({.cdb = block_cdb(0x93, 0, 17), .data_out = block}), 10);
  expect_bad_field(disk.execute({.cdb = block_cdb(0x93, 0, 1, unmap_bit), .data_out = block}), 1,
                   3);
}

TEST(WriteSameLimits, WriteProtected) {
  InProcessOptions options;
  options.write_protected = true;
  InProcessDevice disk{options};
  for (const unsigned opcode : {0x41u, 0x93u})
    expect_check(disk.execute({.cdb = block_cdb(opcode, 0, 1), .data_out = Bytes(512)}),
                 key::data_protect, 0x2700);
}

}  // namespace
}  // namespace srpd::test
