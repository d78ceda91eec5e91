// SRP_CMD end to end through the engine and the real SCSI core: every descriptor format, both
// directions, lies, and exactly one answer for each request.
#include <gtest/gtest.h>

#include <numeric>

#include "support/target_host.h"

namespace srpd::test {
namespace {

constexpr std::uint32_t block = 512;

class Commands : public testing::Test {
 protected:
  Commands() { host.clear_unit_attention(); }

  void fill_store() {
    for (std::size_t i = 0; i < world.store().bytes().size(); ++i)
      world.store().bytes()[i] = static_cast<std::byte>(i * 7 + i / 512);
  }
  Bytes stored(std::size_t at, std::size_t length) {
    const auto& bytes = world.store().bytes();
    return {bytes.begin() + static_cast<std::ptrdiff_t>(at),
            bytes.begin() + static_cast<std::ptrdiff_t>(at + length)};
  }
  static Bytes pattern(std::size_t length) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i * 13 + 5);
    return bytes;
  }
  static void expect_sense(const srp::Response& response, unsigned key, unsigned asc,
                           unsigned ascq) {
    ASSERT_EQ(response.status, 2);
    ASSERT_GE(response.sense.size(), 14u);
    EXPECT_EQ(std::to_integer<unsigned>(response.sense[2]) & 0xf, key);
    EXPECT_EQ(std::to_integer<unsigned>(response.sense[12]), asc);
    EXPECT_EQ(std::to_integer<unsigned>(response.sense[13]), ascq);
  }
  /// An IU as read() would send it, to be spoiled.
  Bytes read_iu(std::uint64_t tag) const {
    const auto cdb = cdb10(0x28, 0, 8);
    const srp::MemoryDescriptor to{0u, 1u, 8 * block};
    srp::CommandSpec spec;
    spec.tag = wire::srp::to_tag(tag);
    spec.cdb = cdb;
    spec.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
    Bytes iu(64);
    EXPECT_EQ(srp::build_cmd(spec, iu), 64u);
    return iu;
  }

  World world;
  Host host{world};
};

TEST_F(Commands, ReadIsOneWriteAndTheResponse) {
  fill_store();
  host.memory(1).resize(8 * block);
  host.wire().trace.clear();
  host.read(0x1122334455667788, 4, 8, 1);
  const auto response = host.response();
  EXPECT_EQ(response.tag, wire::srp::to_tag(0x1122334455667788));
  EXPECT_EQ(response.status, 0);
  EXPECT_EQ(response.req_lim_delta, 1);
  EXPECT_EQ(response.residual.flags, 0);
  EXPECT_EQ(host.memory(1), stored(4 * block, 8 * block));
  EXPECT_EQ(host.wire().trace, (std::vector<std::string>{"write 1", "send 193"}));
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(Commands, WriteReadsTheHostsMemory) {
  host.memory(2) = pattern(8 * block);
  host.wire().trace.clear();
  host.write(7, 16, 8, 2);
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(stored(16 * block, 8 * block), host.memory(2));
  EXPECT_EQ(host.wire().trace.back(), "send 193");
  EXPECT_EQ(host.wire().trace.front(), "read 2");
}

TEST_F(Commands, ImmediateData) {
  const auto cdb = cdb10(0x2a, 3, 4);
  const Bytes data = pattern(4 * block);
  srp::CommandSpec spec;
  spec.cdb = cdb;
  spec.data_out = {srp::Format::immediate, {}, {}, 4 * block};
  spec.immediate_offset = 68;
  spec.immediate = data;
  host.wire().trace.clear();
  host.command(spec);
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(stored(3 * block, 4 * block), data);
  EXPECT_EQ(host.wire().trace, (std::vector<std::string>{"send 193"}));
}

TEST_F(Commands, ImmediateDataStayInPlaceWhileTheStoreWrites) {
  const auto cdb = cdb10(0x2a, 3, 4);
  const Bytes data = pattern(4 * block);
  srp::CommandSpec spec;
  spec.cdb = cdb;
  spec.data_out = {srp::Format::immediate, {}, {}, 4 * block};
  spec.immediate_offset = 68;
  spec.immediate = data;
  world.store().hold = true;
  host.command(spec);
  EXPECT_EQ(host.wire().lent.size(), 1u);
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().lent.empty());
  EXPECT_EQ(stored(3 * block, 4 * block), data);
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(Commands, ReceiveBufferIsFreeWhileADirectCommandRuns) {
  host.memory(1).resize(8 * block);
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  EXPECT_TRUE(host.wire().lent.empty());
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(Commands, IndirectTableInTheIu) {
  fill_store();
  std::vector<srp::MemoryDescriptor> table;
  for (std::uint32_t i = 0; i < 5; ++i) {
    table.push_back({16u, 10 + i, i == 4 ? 8 * block - 4 * 700 : 700u});
    host.memory(10 + i).resize(16 + 2048);
  }
  const auto cdb = cdb10(0x28, 2, 8);
  srp::CommandSpec spec;
  spec.cdb = cdb;
  spec.data_in = {srp::Format::indirect, table, {0u, 99u, 5 * 16}, 8 * block};
  host.command(spec);
  EXPECT_EQ(host.response().status, 0);
  Bytes got;
  for (std::uint32_t i = 0; i < 5; ++i)
    got.insert(
        got.end(), host.memory(10 + i).begin() + 16,
        host.memory(10 + i).begin() + 16 + static_cast<std::ptrdiff_t>(table[i].length.value()));
  EXPECT_EQ(got, stored(2 * block, 8 * block));
}

// allow_ext_sg: the table, or what of it is not in the IU, is fetched from the host.
class ExternalTable : public Commands, public testing::WithParamInterface<std::size_t> {
 protected:
  /// `pieces` descriptors of one block each; the table is the host's memory 99.
  srp::CommandSpec spec(std::uint8_t opcode, std::uint16_t pieces) {
    Bytes& memory = host.memory(99);
    table.clear();
    for (std::uint32_t i = 0; i < pieces; ++i) table.push_back({i * block, 5u, block});
    memory.resize(table.size() * 16);
    std::memcpy(memory.data(), table.data(), memory.size());
    host.memory(5).resize(pieces * block);
    cdb = cdb10(opcode, 0, pieces);
    srp::CommandSpec made;
    made.cdb = cdb;
    auto& direction = opcode == 0x28 ? made.data_in : made.data_out;
    direction = {srp::Format::indirect,
                 std::span(table).first(std::min(in_iu, table.size())),
                 {0u, 99u, static_cast<std::uint32_t>(memory.size())},
                 pieces * block};
    return made;
  }
  std::size_t in_iu = GetParam();
  std::vector<srp::MemoryDescriptor> table;
  std::array<std::byte, 10> cdb;
};

TEST_P(ExternalTable, Read) {
  fill_store();
  host.command(spec(0x28, 64));
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(host.memory(5), stored(0, 64 * block));
}

TEST_P(ExternalTable, Write) {
  const auto write = spec(0x2a, 64);
  host.memory(5) = pattern(64 * block);
  host.command(write);
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(stored(0, 64 * block), host.memory(5));
}

INSTANTIATE_TEST_SUITE_P(DescriptorsInTheIu, ExternalTable, testing::Values(0, 1, 12));

using ExternalTableOnce = ExternalTable;
INSTANTIATE_TEST_SUITE_P(None, ExternalTableOnce, testing::Values(0));

TEST_P(ExternalTableOnce, HoldingLessThanTheTotalIsRefused) {
  const auto write = spec(0x2a, 16);
  const wire::be32 shorter = block - 1;
  std::memcpy(host.memory(99).data() + 12, &shorter, 4);
  host.command(write);
  expect_sense(host.response(), 5, 0x0e, 0x03);
  const auto read = spec(0x28, 16);
  std::memcpy(host.memory(99).data() + 12, &shorter, 4);
  host.command(read);
  expect_sense(host.response(), 5, 0x0e, 0x03);
  EXPECT_TRUE(host.alive());
}

TEST_P(ExternalTableOnce, LongerThanAllowedIsRefused) {
  auto read = spec(0x28, 16);
  read.data_in.table.length = 16 * 4097;
  host.command(read);
  expect_sense(host.response(), 5, 0x0e, 0x03);
}

// The host withdraws its table once it has the answer; a read under way would end the connection.
TEST_P(ExternalTableOnce, NoAnswerWhileItIsRead) {
  auto ready = spec(0x28, 16);
  const Bytes tur(6);
  ready.cdb = tur;
  host.wire().hold_reads = true;
  host.command(ready);
  EXPECT_EQ(host.waiting(), 0u);
  host.channel().complete_all();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(world.sessions().size(), 1u);
}

TEST_P(ExternalTableOnce, ManyAtOnceWaitForEachOther) {
  fill_store();
  host.wire().hold_reads = true;
  const auto read = spec(0x28, 16);
  for (int i = 0; i < 100; ++i) host.command(read);
  EXPECT_EQ(host.waiting(), 0u);
  host.wire().hold_reads = false;
  host.channel().complete_all();
  world.settle();
  EXPECT_EQ(host.waiting(), 100u);
  EXPECT_EQ(host.memory(5), stored(0, 16 * block));
}

TEST_P(ExternalTableOnce, AbortedWhileWaitingForATable) {
  host.wire().hold_reads = true;
  auto read = spec(0x28, 16);
  for (std::uint64_t i = 0; i < 40; ++i) {
    read.tag = wire::srp::to_tag(i);
    host.command(read);
  }
  host.task_management(1000, srp::TaskFunction::abort_task, 39);
  const auto answer = host.response();
  EXPECT_EQ(answer.tag, wire::srp::to_tag(1000));
  EXPECT_EQ(answer.code, srp::ResponseCode::no_failure);
  EXPECT_EQ(answer.req_lim_delta, 2);
  host.wire().hold_reads = false;
  host.channel().complete_all();
  world.settle();
  EXPECT_EQ(host.waiting(), 39u);
}

TEST_F(Commands, LargeReadOverOddSegments) {
  // More than one buffer of the core, over pieces that no boundary falls on.
  fill_store();
  constexpr std::uint16_t blocks = 2048;
  Bytes& table = host.memory(99);
  std::uint32_t left = blocks * block;
  std::uint32_t at = 0;
  while (left > 0) {
    const std::uint32_t part = std::min(left, 4097u);
    const srp::MemoryDescriptor piece{at, 5u, part};
    const auto bytes = wire::bytes_of(piece);
    table.insert(table.end(), bytes.begin(), bytes.end());
    at += part;
    left -= part;
  }
  host.memory(5).resize(blocks * block);
  const auto cdb = cdb10(0x28, 0, blocks);
  srp::CommandSpec spec;
  spec.cdb = cdb;
  spec.data_in = {srp::Format::indirect,
                  {},
                  {0u, 99u, static_cast<std::uint32_t>(table.size())},
                  blocks * block};
  host.command(spec);
  EXPECT_EQ(host.response().status, 0);
  EXPECT_EQ(host.memory(5), stored(0, blocks * block));
}

TEST_F(Commands, Residuals) {
  host.memory(1).resize(8192);
  const Bytes inquiry{std::byte{0x12}, {}, {}, {}, std::byte{96}, {}};
  const srp::MemoryDescriptor to{0u, 1u, 256u};
  srp::CommandSpec spec;
  spec.cdb = inquiry;
  spec.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
  host.command(spec);
  auto response = host.response();
  EXPECT_EQ(response.residual.flags, wire::srp::diunder);
  EXPECT_GE(response.residual.data_in, 160u);

  // The buffer is smaller than what the CDB asks for.
  const auto read = cdb10(0x28, 0, 8);
  spec.cdb = read;
  host.command(spec);
  response = host.response();
  EXPECT_NE(response.residual.flags & wire::srp::diover, 0);
  EXPECT_EQ(response.residual.data_in, 8 * block - 256);
}

TEST_F(Commands, BufferOfTheOtherDirectionIsLeftAlone) {
  host.memory(1).resize(8 * block);
  host.memory(2) = pattern(100);
  const auto cdb = cdb10(0x28, 0, 8);
  const srp::MemoryDescriptor to{0u, 1u, 8 * block};
  const srp::MemoryDescriptor from{0u, 2u, 100u};
  srp::CommandSpec spec;
  spec.cdb = cdb;
  spec.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
  spec.data_out = {srp::Format::direct, {&from, 1}, {}, 0};
  host.command(spec);
  const auto response = host.response();
  EXPECT_EQ(response.status, 0);
  EXPECT_EQ(response.residual.flags, wire::srp::dounder);
  EXPECT_EQ(response.residual.data_out, 100u);
}

TEST_F(Commands, UnknownLun) {
  host.test_unit_ready(1, 0x0005000000000000);
  expect_sense(host.response(), 5, 0x25, 0x00);
}

TEST_F(Commands, SolicitedNotification) {
  const auto answer_solicited = [&](std::uint8_t sol_not, std::uint64_t lun) {
    const Bytes cdb(6);
    srp::CommandSpec spec;
    spec.cdb = cdb;
    spec.lun = lun;
    spec.sol_not = sol_not;
    host.command(spec);
    const bool in_iu = host.response().solicited;
    EXPECT_EQ(host.wire().solicited.back(), in_iu);
    return in_iu;
  };
  constexpr std::uint64_t nowhere = 0x0005000000000000;
  EXPECT_FALSE(answer_solicited(0, 0));
  EXPECT_TRUE(answer_solicited(wire::srp::scsolnt, 0));
  EXPECT_FALSE(answer_solicited(wire::srp::ucsolnt, 0));
  EXPECT_FALSE(answer_solicited(wire::srp::scsolnt, nowhere));
  EXPECT_TRUE(answer_solicited(wire::srp::ucsolnt, nowhere));
}

TEST_F(Commands, LiesAreAnsweredAndTheSessionGoesOn) {
  struct Lie {
    std::size_t byte;
    unsigned value;
    unsigned ascq;
  };
  // Format, additional CDB past the end, task attribute.
  for (const Lie lie : {Lie{5, 0x0f, 3}, Lie{5, 0x10, 1}, Lie{5, 0x30, 1}, Lie{31, 0xfc, 1},
                        Lie{29, 0x07, 3}, Lie{5, 0x11, 1}, Lie{5, 0x02, 1}}) {
    Bytes iu = read_iu(77);
    iu[lie.byte] = static_cast<std::byte>(lie.value);
    if (lie.value == 0x10) iu.resize(60);
    host.send(iu);
    SCOPED_TRACE(testing::Message() << "byte " << lie.byte << " value " << lie.value);
    const auto response = host.response();
    expect_sense(response, 5, 0x0e, lie.ascq);
    EXPECT_EQ(response.tag, wire::srp::to_tag(77));
    EXPECT_EQ(response.req_lim_delta, 1);
  }
  EXPECT_TRUE(host.alive());
  host.test_unit_ready(1);
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(Commands, AdditionalCdbReachesTheCore) {
  Bytes cdb(32);
  cdb[0] = std::byte{0x7f};
  srp::CommandSpec spec;
  spec.cdb = cdb;
  host.command(spec);
  expect_sense(host.response(), 5, 0x20, 0x00);
}

TEST_F(Commands, ExactlyOneAnswerForEachTag) {
  host.memory(1).resize(64 * block);
  for (std::uint64_t tag = 0; tag < 100; ++tag) host.read(tag, 0, 8, 1);
  std::set<std::uint64_t> seen;
  while (host.waiting() != 0)
    EXPECT_TRUE(seen.insert(wire::srp::to_integer(host.response().tag)).second);
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace srpd::test
