// A unit whose emulate_write_cache is off, on a store with a volatile cache: SBC-4 4.15.2, WCE 0.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

InProcessOptions writing_through() {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  options.store.properties.can_unmap = true;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->emulate_write_cache = false;
  return options;
}

TEST(WriteThrough, EveryWriteIsOnStableMediaBeforeItIsAnswered) {
  InProcessDevice disk{writing_through()};
  expect_good(disk.execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = pattern(512, 1)}));
  EXPECT_EQ(disk.store().fua_writes(), 1u);
}

TEST(WriteThrough, FillingAndUnmappingEndWithAFlush) {
  InProcessDevice disk{writing_through()};
  expect_good(disk.execute({.cdb = block_cdb(0x41, 0, 4), .data_out = pattern(512, 1)}));
  EXPECT_EQ(disk.store().count(Kind::flush), 1u);
  Bytes list(24);
  list[1] = std::byte{22};
  list[3] = std::byte{16};
  list[19] = std::byte{1};
  expect_good(disk.execute({.cdb = bytes({0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}), .data_out = list}));
  EXPECT_EQ(disk.store().count(Kind::unmap), 1u);
  EXPECT_EQ(disk.store().count(Kind::flush), 2u);
  disk.store().fail(Kind::flush, EIO);
  expect_check(disk.execute({.cdb = block_cdb(0x41, 0, 4), .data_out = pattern(512, 1)}),
               key::medium_error, 0x0c00);
}

TEST(WriteThrough, HostsAreToldThatThereIsNoCache) {
  InProcessDevice disk{writing_through()};
  const ScsiReply caching =
      disk.execute({.cdb = bytes({0x1a, 0x08, 0x08, 0, 255, 0}), .data_in_length = 255});
  EXPECT_EQ(to_hex(caching.data_in).substr(8, 6), "081200");
  const ScsiReply extended =
      disk.execute({.cdb = bytes({0x12, 1, 0x86, 0, 255, 0}), .data_in_length = 255});
  EXPECT_EQ(extended.data_in[6], std::byte{0});
}

}  // namespace
}  // namespace srpd::test
