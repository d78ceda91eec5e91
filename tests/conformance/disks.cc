#include "disks.h"

#include "base/check.h"
#include "tcp_disks.h"

namespace srpd::test {
namespace {

using When = MemoryStoreOptions::When;
using Arrival = TestCommand::Arrival;

InProcessKind kind(std::string name, bool mapped, When when, Arrival arrival,
                   std::uint32_t block_size) {
  InProcessKind made{std::move(name), {}};
  made.options.store.bytes = std::uint64_t{4} << 20;
  made.options.store.mapped = mapped;
  made.options.store.when = when;
  made.options.store.properties.block_size = block_size;
  made.options.store.properties.physical_block_size = 4096;
  made.options.store.properties.can_unmap = true;
  made.options.store.properties.unmap_zeroes = true;
  made.options.store.properties.unmap_granularity = 4096;
  made.options.store.properties.max_write_zeroes_bytes = mapped ? 0 : std::uint64_t{1} << 20;
  made.options.arrival = arrival;
  return made;
}

}  // namespace

std::vector<InProcessKind> every_in_process_disk() {
  std::vector<InProcessKind> kinds = every_protected_disk();
  for (InProcessKind& kind : every_plain_disk()) kinds.push_back(std::move(kind));
  return kinds;
}

std::vector<InProcessKind> every_protected_disk() {
  std::vector<InProcessKind> kinds{
      kind("protected_immediate", false, When::inline_, Arrival::immediate, 512),
      kind("protected_deferred_4k", false, When::deferred, Arrival::fetched_later, 4096)};
  for (InProcessKind& kind : kinds) kind.options.protection = store::ProtectionType::type_1;
  return kinds;
}

std::vector<InProcessKind> every_plain_disk() {
  return {kind("mapped_immediate", true, When::inline_, Arrival::immediate, 512),
          kind("mapped_fetched", true, When::inline_, Arrival::fetched_later, 512),
          kind("buffered_inline", false, When::inline_, Arrival::fetched, 512),
          kind("buffered_immediate", false, When::deferred, Arrival::immediate, 512),
          kind("buffered_deferred_4k", false, When::deferred, Arrival::fetched_later, 4096)};
}

std::vector<InProcessKind> every_disk_with_operations() {
  std::vector<InProcessKind> kinds = every_in_process_disk();
  std::erase_if(kinds, [](const InProcessKind& kind) { return kind.options.store.mapped; });
  return kinds;
}

std::vector<DiskKind> every_disk() {
  std::vector<DiskKind> kinds;
  for (const InProcessKind& kind : every_in_process_disk())
    kinds.push_back({kind.name, [options = kind.options] {
                       return std::make_unique<InProcessDevice>(options);
                     }});
  for (const TcpKind& kind : every_tcp_disk())
    kinds.push_back(
        {kind.name, [options = kind.options] { return std::make_unique<TcpDevice>(options); }});
  return kinds;
}

void expect_good(const ScsiReply& reply) {
  EXPECT_EQ(reply.status, 0) << std::hex << int{reply.decoded().key} << " " << reply.decoded().code;
}

void expect_check(const ScsiReply& reply, std::uint8_t key, std::uint16_t code) {
  EXPECT_EQ(reply.status, 0x02);
  EXPECT_EQ(reply.decoded().key, key);
  EXPECT_EQ(reply.decoded().code, code) << std::hex << reply.decoded().code << " is not " << code;
}

void expect_bad_field(const ScsiReply& reply, std::uint16_t byte, int bit) {
  expect_check(reply, key::illegal_request, 0x2400);
  const DecodedSense sense = reply.decoded();
  EXPECT_TRUE(sense.field_in_cdb);
  EXPECT_EQ(sense.field.value_or(0xffff), byte);
  if (bit >= 0) {
    EXPECT_EQ(sense.bit.value_or(0xff), bit);
  }
}

Bytes block_cdb(unsigned opcode, std::uint64_t lba, std::uint32_t blocks, unsigned byte1) {
  static constexpr std::size_t lengths[] = {6, 10, 10, 0, 16, 12, 0, 0};
  Bytes cdb(lengths[opcode >> 5]);
  CHECK(!cdb.empty());
  cdb[0] = static_cast<std::byte>(opcode);
  switch (cdb.size()) {
    case 6:
      put_be(cdb, 1, 3, lba);
      put_be(cdb, 4, 1, blocks);
      break;
    case 10:
      put_be(cdb, 2, 4, lba);
      put_be(cdb, 7, 2, blocks);
      break;
    case 12:
      put_be(cdb, 2, 4, lba);
      put_be(cdb, 6, 4, blocks);
      break;
    default:
      put_be(cdb, 2, 8, lba);
      put_be(cdb, 10, 4, blocks);
  }
  cdb[1] |= static_cast<std::byte>(byte1);
  return cdb;
}

Bytes start_stop_cdb(bool start) { return bytes({0x1b, 0, 0, 0, start ? 1u : 0u, 0}); }

void fill(ScsiDevice& disk, std::uint64_t lba, const Bytes& data) {
  const auto blocks = static_cast<std::uint32_t>(data.size() / disk.block_size());
  expect_good(disk.execute({.cdb = block_cdb(0x8a, lba, blocks), .data_out = data}));
}

Bytes content(ScsiDevice& disk, std::uint64_t lba, std::uint32_t blocks) {
  const ScsiReply reply = disk.execute(
      {.cdb = block_cdb(0x88, lba, blocks), .data_in_length = blocks * disk.block_size()});
  expect_good(reply);
  return reply.data_in;
}

}  // namespace srpd::test
