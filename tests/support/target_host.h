// A host that is logged in to a World's target: builds requests, takes answers.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "srp/iu.h"
#include "support/target_world.h"

namespace srpd::test {

/// READ(10), WRITE(10) and the like.
inline std::array<std::byte, 10> cdb10(std::uint8_t opcode, std::uint32_t lba,
                                       std::uint16_t blocks) {
  std::array<std::byte, 10> cdb{};
  cdb[0] = std::byte{opcode};
  const wire::be32 at = lba;
  const wire::be16 count = blocks;
  std::memcpy(&cdb[2], &at, 4);
  std::memcpy(&cdb[7], &count, 2);
  return cdb;
}

/// One logged-in connection, seen from the host.
class Host {
 public:
  explicit Host(World& world) : Host(world, world.login()) {}
  Host(World& world, MockLogin& login) : world_(world), login_(login) {}

  MockHost& wire() { return login_.host; }
  MockChannel& channel() { return *login_.channel; }
  bool alive() const { return login_.channel != nullptr && !login_.host.closed; }

  /// Memory the target may reach under `key`, at address 0.
  Bytes& memory(std::uint32_t key) { return login_.host.memory[key]; }

  void send(std::span<const std::byte> iu) {
    channel().arrive(iu);
    world_.settle();
  }
  void command(const srp::CommandSpec& spec);
  /// READ(10) or WRITE(10) of blocks with one direct descriptor to memory `key`.
  void read(std::uint64_t tag, std::uint32_t lba, std::uint16_t blocks, std::uint32_t key,
            std::uint64_t lun = 0);
  void write(std::uint64_t tag, std::uint32_t lba, std::uint16_t blocks, std::uint32_t key,
             std::uint64_t lun = 0);
  void test_unit_ready(std::uint64_t tag, std::uint64_t lun = 0);
  void task_management(std::uint64_t tag, srp::TaskFunction function, std::uint64_t task_tag = 0,
                       std::uint64_t lun = 0);
  /// Takes the power-on unit attention, which every nexus gets first.
  void clear_unit_attention(std::uint64_t lun = 0);

  /// The oldest IU not taken yet.
  std::optional<Bytes> take();
  /// Takes an SRP_RSP; fails the test when the next IU is something else.
  srp::Response response();
  /// How many IUs wait to be taken.
  std::size_t waiting() const { return login_.host.received.size(); }

 private:
  World& world_;
  MockLogin& login_;
  Bytes last_;  // what response() points into
};

inline void Host::command(const srp::CommandSpec& spec) {
  std::array<std::byte, 16384> iu;
  const std::size_t length = srp::build_cmd(spec, iu);
  ASSERT_NE(length, 0u);
  send(std::span(iu).first(length));
}

inline void Host::read(std::uint64_t tag, std::uint32_t lba, std::uint16_t blocks,
                       std::uint32_t key, std::uint64_t lun) {
  const auto cdb = cdb10(0x28, lba, blocks);
  const srp::MemoryDescriptor to{0u, key, blocks * 512u};
  srp::CommandSpec spec;
  spec.tag = wire::srp::to_tag(tag);
  spec.lun = lun;
  spec.cdb = cdb;
  spec.data_in = {srp::Format::direct, {&to, 1}, {}, 0};
  command(spec);
}

inline void Host::write(std::uint64_t tag, std::uint32_t lba, std::uint16_t blocks,
                        std::uint32_t key, std::uint64_t lun) {
  const auto cdb = cdb10(0x2a, lba, blocks);
  const srp::MemoryDescriptor from{0u, key, blocks * 512u};
  srp::CommandSpec spec;
  spec.tag = wire::srp::to_tag(tag);
  spec.lun = lun;
  spec.cdb = cdb;
  spec.data_out = {srp::Format::direct, {&from, 1}, {}, 0};
  command(spec);
}

inline void Host::test_unit_ready(std::uint64_t tag, std::uint64_t lun) {
  const std::array<std::byte, 6> cdb{};
  srp::CommandSpec spec;
  spec.tag = wire::srp::to_tag(tag);
  spec.lun = lun;
  spec.cdb = cdb;
  command(spec);
}

inline void Host::task_management(std::uint64_t tag, srp::TaskFunction function,
                                  std::uint64_t task_tag, std::uint64_t lun) {
  srp::TaskManagement request;
  request.tag = wire::srp::to_tag(tag);
  request.lun = lun;
  request.function = function;
  request.task_tag = wire::srp::to_tag(task_tag);
  const auto iu = srp::build_tsk_mgmt(request);
  send(wire::bytes_of(iu));
}

inline void Host::clear_unit_attention(std::uint64_t lun) {
  test_unit_ready(0xffff, lun);
  EXPECT_EQ(response().status, 2);
}

inline std::optional<Bytes> Host::take() {
  auto& received = login_.host.received;
  if (received.empty()) return std::nullopt;
  Bytes iu = std::move(received.front());
  received.pop_front();
  return iu;
}

inline srp::Response Host::response() {
  auto iu = take();
  EXPECT_TRUE(iu.has_value()) << "no answer";
  if (!iu) return {};
  last_ = std::move(*iu);
  const auto parsed = srp::parse_rsp(last_);
  EXPECT_TRUE(parsed.has_value()) << "not an SRP_RSP";
  return parsed.value_or(srp::Response{});
}

}  // namespace srpd::test
