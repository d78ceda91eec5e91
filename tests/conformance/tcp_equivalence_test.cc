// What a host is told over TCP is what the core says: the same random commands, good ones and bad
// ones, have the same outcome on a disk in this process and through both of our ends, one after the
// other and as many at once as fit.
#include "base/random.h"
#include "scsi/command_table.h"
#include "support/hex.h"
#include "tcp_disks.h"

namespace srpd::test {
namespace {

class RandomCommands {
 public:
  RandomCommands(std::uint64_t seed, std::uint32_t block_size, std::uint64_t block_count)
      : random_(seed), block_size_(block_size), block_count_(block_count) {}

  ScsiRequest next() {
    const auto rows = scsi::command_table();
    const scsi::Row& row = rows[random_.below(rows.size())];
    const auto blocks = static_cast<std::uint32_t>(
        random_.one_in(16) ? random_.below((3u << 20) / block_size_) : random_.below(24));
    ScsiRequest request;
    request.attribute = Attribute::ordered;
    request.cdb = cdb_of(row, blocks);
    if (random_.one_in(8)) flip_a_bit(request.cdb);
    if (random_.one_in(16)) request.lun = random_.one_in(2) ? 0x0001000000000000u : random_.next();
    if (row.spec.data == scsi::Data::out || random_.one_in(32))
      request.data_out = pattern(buffer_size(row, blocks), static_cast<unsigned>(random_.next()));
    if (row.spec.data == scsi::Data::in || random_.one_in(32))
      request.data_in_length = buffer_size(row, blocks);
    return request;
  }

 private:
  Bytes cdb_of(const scsi::Row& row, std::uint32_t blocks) {
    if (row.spec.extent.present()) {
      const std::uint64_t room = block_count_ - std::min<std::uint64_t>(blocks, block_count_);
      const std::uint64_t lba = random_.one_in(16) ? block_count_ - 4 : random_.below(room);
      // Not FUA and DPO every other time: a file system takes long for it.
      const unsigned flags = random_.one_in(8) ? static_cast<unsigned>(random_.next()) : 0;
      return block_cdb(row.spec.opcode, lba, blocks, flags & row.allowed[1]);
    }
    Bytes cdb(row.spec.cdb_length);
    for (std::size_t i = 1; i < cdb.size(); ++i)
      cdb[i] = static_cast<std::byte>(random_.next() & random_.next() & row.allowed[i]);
    cdb[0] = static_cast<std::byte>(row.spec.opcode);
    if (row.spec.service_action) cdb[1] = static_cast<std::byte>(*row.spec.service_action);
    // Stopped for a while only.
    if (row.spec.opcode == 0x1b) cdb[4] = static_cast<std::byte>(!random_.one_in(4));
    return cdb;
  }

  void flip_a_bit(Bytes& cdb) {
    cdb[1 + random_.below(cdb.size() - 1)] ^= static_cast<std::byte>(1u << random_.below(8));
  }

  std::size_t buffer_size(const scsi::Row& row, std::uint32_t blocks) {
    if (random_.one_in(8)) return random_.below(20'000);
    const bool one_block = row.spec.opcode == 0x41 || row.spec.opcode == 0x93;
    if (!row.spec.extent.present()) return 255;
    return one_block ? block_size_ : std::size_t{blocks} * block_size_;
  }

  Random random_;
  std::uint32_t block_size_;
  std::uint64_t block_count_;
};

class TcpEquivalence : public testing::TestWithParam<TcpKind> {
 protected:
  static constexpr std::size_t commands = 400;

  std::vector<ScsiRequest> requests(std::uint64_t seed) {
    const auto& store = GetParam().options.store;
    RandomCommands random(seed, store.block_size, store.size / store.block_size);
    std::vector<ScsiRequest> made;
    for (std::size_t i = 0; i < commands; ++i) made.push_back(random.next());
    return made;
  }

  std::vector<ScsiReply> replies_in_process(const std::vector<ScsiRequest>& requests) {
    InProcessOptions options;
    options.store.bytes = GetParam().options.store.size;
    options.store.properties = properties_;
    options.store.mapped = properties_.plugin == "rd_mcp";
    InProcessDevice disk{options};
    std::vector<ScsiReply> replies;
    for (const ScsiRequest& request : requests) replies.push_back(disk.execute(request));
    return replies;
  }

  std::vector<ScsiReply> replies_over_tcp(const std::vector<ScsiRequest>& requests, bool at_once) {
    TcpDevice disk{GetParam().options};
    properties_ = disk.properties();
    if (at_once) return disk.execute_all(requests);
    std::vector<ScsiReply> replies;
    for (const ScsiRequest& request : requests) replies.push_back(disk.execute(request));
    return replies;
  }

  void compare(std::uint64_t seed, bool at_once) {
    const std::vector<ScsiRequest> sent = requests(seed);
    const std::vector<ScsiReply> got = replies_over_tcp(sent, at_once);
    const std::vector<ScsiReply> expected = replies_in_process(sent);
    std::size_t good = 0;
    for (std::size_t i = 0; i < sent.size() && !HasFailure(); ++i) {
      SCOPED_TRACE("command " + std::to_string(i) + ": " + to_hex(sent[i].cdb));
      EXPECT_EQ(got[i].status, expected[i].status);
      EXPECT_EQ(to_hex(got[i].sense), to_hex(expected[i].sense));
      EXPECT_EQ(got[i].residual_in, expected[i].residual_in);
      EXPECT_EQ(got[i].residual_out, expected[i].residual_out);
      EXPECT_EQ(got[i].moved_out, expected[i].moved_out);
      EXPECT_TRUE(got[i].data_in == expected[i].data_in);
      good += got[i].good() ? 1 : 0;
    }
    // Neither all refused nor all taken, or the commands are not what they should be.
    EXPECT_GT(good, commands / 4);
    EXPECT_LT(good, commands * 3 / 4);
  }

 private:
  store::Properties properties_;
};
SRPD_ON_DISKS(TcpEquivalence, every_tcp_disk());

// Several channels have no order between them.
std::vector<TcpKind> every_disk_with_one_channel() {
  std::vector<TcpKind> kinds = every_tcp_disk();
  std::erase_if(kinds, [](const TcpKind& kind) { return kind.options.session.channels != 1; });
  return kinds;
}
class TcpEquivalenceInOrder : public TcpEquivalence {};
SRPD_ON_DISKS(TcpEquivalenceInOrder, every_disk_with_one_channel());

TEST_P(TcpEquivalence, OneAfterTheOther) {
  for (const std::uint64_t seed : {1u, 2u}) compare(seed, false);
}

// As ordered tasks, and so without any difference.
TEST_P(TcpEquivalenceInOrder, AllAtOnce) {
  for (const std::uint64_t seed : {3u, 4u}) compare(seed, true);
}

}  // namespace
}  // namespace srpd::test
