// SYNCHRONIZE CACHE(10) and (16): SBC-4 5.33, 5.34.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;

InProcessOptions with_cache() {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  return options;
}

class SynchronizeCache : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(SynchronizeCache);

TEST_P(SynchronizeCache, AnyRangeInsideTheUnit) {
  for (const unsigned opcode : {0x35u, 0x91u}) {
    for (const unsigned immed : {0u, 2u}) {
      expect_good(disk().execute({.cdb = block_cdb(opcode, 0, 0, immed)}));
      expect_good(disk().execute({.cdb = block_cdb(opcode, disk().block_count() - 1, 1, immed)}));
      expect_check(disk().execute({.cdb = block_cdb(opcode, disk().block_count(), 1, immed)}),
                   key::illegal_request, 0x2100);
    }
  }
}

TEST(SynchronizeCacheState, FlushesAVolatileCacheOnly) {
  InProcessDevice cached{with_cache()};
  expect_good(cached.execute({.cdb = block_cdb(0x35, 0, 0)}));
  expect_good(cached.execute({.cdb = block_cdb(0x91, 0, 0, 2)}));
  EXPECT_EQ(cached.store().count(Kind::flush), 2u);
  InProcessDevice durable{InProcessOptions{}};
  expect_good(durable.execute({.cdb = block_cdb(0x35, 0, 0)}));
  EXPECT_EQ(durable.store().count(Kind::flush), 0u);
}

TEST(SynchronizeCacheState, TellsWhenTheFlushFails) {
  InProcessDevice disk{with_cache()};
  disk.store().fail(Kind::flush, EIO);
  for (const unsigned immed : {0u, 2u})
    expect_check(disk.execute({.cdb = block_cdb(0x35, 0, 0, immed)}), key::medium_error, 0x0c00);
}

}  // namespace
}  // namespace srpd::test
