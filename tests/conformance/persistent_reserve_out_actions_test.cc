// PERSISTENT RESERVE OUT: SPC-4 6.16, as two hosts see it.
#include "disks.h"
#include "support/hex.h"
#include "support/reservations.h"

namespace srpd::test {
namespace {

constexpr std::uint64_t first_key = 0x1111, second_key = 0x2222;

class PersistentReserveOut : public OnEveryDisk {
 protected:
  ScsiDevice& other() {
    if (!other_) {
      other_ = disk().another_host();
      expect_check(other_->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})}), key::unit_attention,
                   0x2900);
    }
    return *other_;
  }
  ScsiReply write(ScsiDevice& by) {
    return by.execute({.cdb = block_cdb(0x2a, 0, 1), .data_out = Bytes(block_size())});
  }
  ScsiReply read(ScsiDevice& by) {
    return by.execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()});
  }
  void expect_conflict(const ScsiReply& reply) {
    EXPECT_EQ(reply.status, reservation_conflict);
    EXPECT_TRUE(reply.sense.empty());
  }
  void register_both() {
    expect_good(prout(disk(), 0, {.new_key = first_key}));
    expect_good(prout(other(), 0, {.new_key = second_key}));
  }

 private:
  // Goes before the disk.
  std::unique_ptr<ScsiDevice> other_;
  void TearDown() override { other_.reset(); }
};
SRPD_ON_EVERY_DISK(PersistentReserveOut);

TEST_P(PersistentReserveOut, EachTypeKeepsOutWhomItNames) {
  register_both();
  for (const unsigned type : {1u, 3u, 5u, 6u, 7u, 8u}) {
    expect_good(prout(disk(), 1, {.type = type, .key = first_key}));
    expect_good(write(disk()));
    expect_good(read(disk()));
    const bool registrants = type >= 5;
    const ScsiReply written = write(other()), got = read(other());
    registrants ? expect_good(written) : expect_conflict(written);
    type == 3 ? expect_conflict(got) : expect_good(got);
    expect_good(prout(other(), 0, {.key = second_key}));
    const bool writers_only = type == 1 || type == 5 || type == 7;
    expect_conflict(write(other()));
    const ScsiReply of_stranger = read(other());
    writers_only ? expect_good(of_stranger) : expect_conflict(of_stranger);
    expect_good(prout(disk(), 2, {.type = type, .key = first_key}));
    expect_good(write(other()));
    expect_good(prout(other(), 0, {.new_key = second_key}));
  }
}

TEST_P(PersistentReserveOut, PreemptAndAbortTakesOver) {
  register_both();
  expect_good(prout(disk(), 1, {.type = 1, .key = first_key}));
  expect_conflict(write(other()));
  expect_good(prout(other(), 5, {.type = 1, .key = second_key, .new_key = first_key}));
  expect_good(write(other()));
  expect_check(write(disk()), key::unit_attention, 0x2a05);
  expect_conflict(write(disk()));
  EXPECT_EQ(to_hex(prin(disk(), 0).data_in), "00000003000000080000000000002222");
}

TEST_P(PersistentReserveOut, ListsOfOtherLengths) {
  for (const std::size_t length : {0u, 8u, 23u, 25u, 48u})
    expect_check(disk().execute({.cdb = prout_cdb(0, 0, length), .data_out = Bytes(length)}),
                 key::illegal_request, 0x1a00);
  expect_check(disk().execute({.cdb = prout_cdb(0, 0, 24), .data_out = Bytes(23)}),
               key::illegal_request, 0x0e03);
  expect_good(disk().execute({.cdb = prout_cdb(0, 0, 24), .data_out = Bytes(32)}));
}

TEST_P(PersistentReserveOut, UnknownServiceActions) {
  for (const unsigned action : {0x08u, 0x1fu})
    expect_bad_field(disk().execute({.cdb = prout_cdb(action, 0, 24), .data_out = Bytes(24)}), 1);
}

TEST_P(PersistentReserveOut, RegistersAndMoves) {
  register_both();
  expect_good(prout(disk(), 1, {.type = 6, .key = first_key}));
  const Bytes status = prin(other(), 3).data_in;
  ASSERT_GE(status.size(), 8u + 2 * 48);
  const Bytes theirs(status.begin() + 8 + 48 + 24, status.begin() + 8 + 2 * 48);
  expect_good(prout_move(disk(), {.key = first_key, .new_key = 0x3333, .flags = 2}, 1, theirs));
  EXPECT_EQ(to_hex(prin(other(), 1).data_in), "000000030000001000000000000033330000000000060000");
  expect_conflict(write(disk()));
  expect_good(write(other()));
}

}  // namespace
}  // namespace srpd::test
