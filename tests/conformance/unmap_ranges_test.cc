// UNMAP: SBC-4 5.37.
#include "disks.h"

namespace srpd::test {
namespace {

using Kind = store::Operation::Kind;
using Range = std::pair<std::uint64_t, std::uint32_t>;

Bytes list_of(const std::vector<Range>& ranges) {
  Bytes list(8 + 16 * ranges.size());
  put_be(list, 0, 2, list.size() - 2);
  put_be(list, 2, 2, list.size() - 8);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    put_be(list, 8 + 16 * i, 8, ranges[i].first);
    put_be(list, 16 + 16 * i, 4, ranges[i].second);
  }
  return list;
}

Bytes unmap_cdb(std::size_t length, unsigned byte1 = 0) {
  return block_cdb(0x42, 0, static_cast<std::uint32_t>(length), byte1);
}

class UnmapRanges : public OnEveryDisk {
 protected:
  ScsiReply run(const Bytes& list) {
    return disk().execute({.cdb = unmap_cdb(list.size()), .data_out = list});
  }
  void expect_bad_list(const ScsiReply& reply, std::uint16_t byte) {
    expect_check(reply, key::illegal_request, 0x2600);
    EXPECT_FALSE(reply.decoded().field_in_cdb);
    EXPECT_EQ(reply.decoded().field.value_or(0xffff), byte);
    expect_untouched();
  }
  void expect_untouched() { EXPECT_EQ(content(disk(), 0, 1), first_block()); }
  // What a list that should be refused would unmap.
  void fill_first_block() { fill(disk(), 0, first_block()); }
  Bytes first_block() { return pattern(block_size(), 9); }
};
SRPD_ON_EVERY_DISK(UnmapRanges);

TEST_P(UnmapRanges, EveryRangeAndNothingElse) {
  Bytes expected = pattern(20 * block_size(), 1);
  fill(disk(), 0, expected);
  const ScsiReply reply = run(list_of({{2, 3}, {0, 0}, {10, 5}}));
  expect_good(reply);
  EXPECT_EQ(reply.moved_out, 8u + 3 * 16);
  const auto clear = [&](std::size_t lba, std::size_t blocks) {
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(lba * block_size()),
                blocks * block_size(), std::byte{0});
  };
  clear(2, 3);
  clear(10, 5);
  EXPECT_EQ(content(disk(), 0, 20), expected);
}

TEST_P(UnmapRanges, NothingToDo) {
  fill_first_block();
  expect_good(disk().execute({.cdb = unmap_cdb(0)}));
  expect_good(run(list_of({})));
  expect_untouched();
}

TEST_P(UnmapRanges, RangesOutsideTheUnit) {
  fill_first_block();
  const std::uint64_t end = disk().block_count();
  for (const Range& range : {Range{end, 1}, {end - 1, 2}, {UINT64_MAX, 2}}) {
    const ScsiReply reply = run(list_of({{0, 1}, range}));
    expect_check(reply, key::illegal_request, 0x2100);
    expect_untouched();
  }
}

TEST_P(UnmapRanges, LengthsThatContradict) {
  fill_first_block();
  Bytes list = list_of({{0, 1}});
  put_be(list, 2, 2, 32);
  expect_bad_list(run(list), 2);
  list = list_of({{0, 1}});
  put_be(list, 0, 2, 10);
  expect_bad_list(run(list), 0);
}

TEST_P(UnmapRanges, ListTooShort) {
  for (const std::size_t length : {1u, 7u})
    expect_check(disk().execute({.cdb = unmap_cdb(length), .data_out = Bytes(length)}),
                 key::illegal_request, 0x1a00);
  expect_check(disk().execute({.cdb = unmap_cdb(24), .data_out = Bytes(8)}), key::illegal_request,
               0x0e03);
}

TEST_P(UnmapRanges, TooManyDescriptors) {
  expect_good(run(list_of(std::vector<Range>(255, {0, 1}))));
  expect_check(run(list_of(std::vector<Range>(256, {0, 1}))), key::illegal_request, 0x2600);
}

TEST_P(UnmapRanges, AnchorIsRefused) {
  const Bytes list = list_of({{0, 1}});
  expect_bad_field(disk().execute({.cdb = unmap_cdb(list.size(), 1), .data_out = list}), 1, 0);
}

class UnmapStore : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(UnmapStore);

TEST_P(UnmapStore, IsAskedForNothingWhereThereIsNothing) {
  const Bytes empty = list_of({{5, 0}});
  expect_good(disk().execute({.cdb = unmap_cdb(empty.size()), .data_out = empty}));
  EXPECT_EQ(disk().store().count(Kind::unmap), 0u);
}

TEST_P(UnmapStore, FailureNamesTheBlock) {
  disk().store().fail(Kind::unmap, EIO, 12 * block_size());
  const Bytes list = list_of({{0, 4}, {10, 4}});
  const ScsiReply reply = disk().execute({.cdb = unmap_cdb(list.size()), .data_out = list});
  expect_check(reply, key::medium_error, 0x0c00);
  EXPECT_EQ(reply.decoded().information, 12u);
}

TEST(UnmapLimits, MostBlocksInOneCommand) {
  InProcessOptions options;
  options.store.properties.can_unmap = true;
  options.store.properties.max_unmap_bytes = 64 * 512;
  InProcessDevice disk{options};
  const Bytes fits = list_of({{0, 32}, {100, 32}}), too_many = list_of({{0, 32}, {100, 33}});
  expect_good(disk.execute({.cdb = unmap_cdb(fits.size()), .data_out = fits}));
  const ScsiReply reply = disk.execute({.cdb = unmap_cdb(too_many.size()), .data_out = too_many});
  expect_check(reply, key::illegal_request, 0x2600);
  EXPECT_EQ(reply.decoded().field, 8 + 16 + 8);
}

TEST(UnmapLimits, WhereTheStoreCannotThereIsNoCommand) {
  InProcessDevice disk{InProcessOptions{}};
  expect_check(disk.execute({.cdb = unmap_cdb(0)}), key::illegal_request, 0x2000);
}

TEST(UnmapLimits, WriteProtected) {
  InProcessOptions options;
  options.store.properties.can_unmap = true;
  options.write_protected = true;
  InProcessDevice disk{options};
  expect_check(disk.execute({.cdb = unmap_cdb(0)}), key::data_protect, 0x2700);
}

}  // namespace
}  // namespace srpd::test
