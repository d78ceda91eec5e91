// What the I/O path and an idle session cost.
#include <gtest/gtest.h>
#include <malloc.h>

#include "support/target_host.h"
#include "target/session.h"
#include "unit/runtime/allocation_counter.h"

namespace srpd::test {
namespace {

/// The same IU again and again, without anything on the host's side that allocates.
class SteadyState : public testing::Test {
 protected:
  SteadyState() {
    host.clear_unit_attention();
    host.memory(1).resize(64 * 512);
    host.memory(99).resize(16 * 8);
    for (std::uint32_t i = 0; i < 8; ++i) {
      const srp::MemoryDescriptor piece{i * 512, 1u, 512u};
      std::memcpy(host.memory(99).data() + i * 16, &piece, 16);
    }
    host.wire().record = false;
  }

  void expect_no_allocation(const srp::CommandSpec& spec) {
    std::array<std::byte, 8192> iu;
    const std::size_t length = srp::build_cmd(spec, iu);
    ASSERT_NE(length, 0u);
    const auto send = [&] {
      for (int i = 0; i < 16; ++i) host.channel().arrive(std::span(iu).first(length));
      world.settle();
    };
    for (int i = 0; i < 10; ++i) send();
    const std::uint32_t sends = host.wire().sends;
    const std::uint64_t before = runtime::test::allocations();
    for (int i = 0; i < 100; ++i) send();
    EXPECT_EQ(runtime::test::allocations() - before, 0u);
    EXPECT_EQ(host.wire().sends - sends, 1600u);
  }

  static std::array<std::byte, 10> cdb(std::uint8_t opcode) {
    std::array<std::byte, 10> made{std::byte{opcode}};
    made[8] = std::byte{8};
    return made;
  }

  World world;
  Host host{world};
  const srp::MemoryDescriptor direct{0u, 1u, 4096u};
};

TEST_F(SteadyState, Read) {
  const auto read = cdb(0x28);
  srp::CommandSpec spec;
  spec.cdb = read;
  spec.data_in = {srp::Format::direct, {&direct, 1}, {}, 0};
  expect_no_allocation(spec);
}

TEST_F(SteadyState, Write) {
  const auto write = cdb(0x2a);
  srp::CommandSpec spec;
  spec.cdb = write;
  spec.data_out = {srp::Format::direct, {&direct, 1}, {}, 0};
  expect_no_allocation(spec);
}

TEST_F(SteadyState, WriteWithImmediateData) {
  const auto write = cdb(0x2a);
  const Bytes data(4096);
  srp::CommandSpec spec;
  spec.cdb = write;
  spec.data_out = {srp::Format::immediate, {}, {}, 4096};
  spec.immediate_offset = 68;
  spec.immediate = data;
  expect_no_allocation(spec);
}

TEST_F(SteadyState, ReadWithATableToFetch) {
  const auto read = cdb(0x28);
  srp::CommandSpec spec;
  spec.cdb = read;
  spec.data_in = {srp::Format::indirect, {}, {0u, 99u, 128u}, 4096};
  expect_no_allocation(spec);
}

TEST_F(SteadyState, CommandThatFails) {
  const auto unknown = cdb(0xff);
  srp::CommandSpec spec;
  spec.cdb = unknown;
  expect_no_allocation(spec);
}

TEST(Memory, SlotsAndSessionsAreSmall) {
  EXPECT_LE(sizeof(target::Request), 1024u);
  EXPECT_LE(sizeof(target::Session), 4096u);
}

std::size_t heap_in_use() { return mallinfo2().uordblks; }

// A sanitizer's allocator counts nothing here; the other builds do.
TEST(Memory, ThousandIdleSessions) {
  World world;
  const std::size_t before = heap_in_use();
  for (int i = 0; i < 1000; ++i) {
    const std::string peer =
        "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":1000";
    ASSERT_TRUE(world.login(world.login_request(), peer).accepted);
  }
  EXPECT_EQ(world.sessions().size(), 1000u);
  EXPECT_LE((heap_in_use() - before) / 1000, 20u << 10);
}

}  // namespace
}  // namespace srpd::test
