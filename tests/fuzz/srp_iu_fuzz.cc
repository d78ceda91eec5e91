// fuzz layers: target
//
// IUs of a hostile host against a whole session: engine, task set and SCSI core on a store whose
// operations and a channel whose works wait at the fuzzer's will. What is checked: no memory error,
// every receive buffer returned once, and that everything ends.
#include <cstdint>
#include <span>

#include "base/log.h"
#include "srp/iu.h"
#include "support/target_world.h"

namespace {

using namespace srpd;        // NOLINT: a program of one file
using namespace srpd::test;  // NOLINT

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::span<const std::byte> bytes(std::size_t count) {
    const auto part = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return std::as_bytes(part);
  }

 private:
  std::span<const std::uint8_t> rest_;
};

class Run {
 public:
  explicit Run(Input input) : input_(input) {
    for (std::uint32_t key = 0; key < 4; ++key) login_.host.memory[key].resize(16384);
    login_.host.lies = true;
  }

  void all() {
    for (int step = 0; step < 200 && !input_.empty() && !login_.host.destroyed; ++step) one();
  }

 private:
  void one() {
    switch (input_.byte() % 10) {
      case 0:
        return arrive(input_.bytes(input_.byte()));
      case 1:
        return arrive_padded(input_.bytes(input_.byte()), 8260);
      case 2:
      case 3:
      case 4:
        return command();
      case 5:
        return task_management();
      case 6:
        world_.store().hold = !world_.store().hold;
        if (!world_.store().hold) world_.store().let_go();
        return world_.settle();
      case 7:
        return toggle_channel();
      case 8:
        return world_.pass(std::chrono::milliseconds(input_.byte() * 16));
      case 9:
        if (input_.byte() != 0x55) return;
        if (!login_.host.closed) login_.channel->close(transport::CloseReason::Kind::peer_reset);
        return world_.settle();
    }
  }

  void arrive(std::span<const std::byte> iu) {
    if (login_.host.closed || login_.host.disconnected) return;
    login_.channel->arrive(iu);
    world_.settle();
  }

  void arrive_padded(std::span<const std::byte> iu, std::size_t length) {
    Bytes padded(iu.begin(), iu.end());
    padded.resize(length);
    arrive(padded);
  }

  // Nearly right, so that it gets somewhere.
  void command() {
    static constexpr std::uint8_t opcodes[] = {0x28, 0x2a, 0x12, 0x00, 0xa0, 0x41, 0x2f, 0x42};
    Bytes iu(48);
    auto& cmd = *wire::view_mut<wire::srp::Cmd>(std::span(iu));
    cmd.opcode = wire::srp::Opcode::cmd;
    cmd.sol_not = input_.byte() & 6;
    cmd.buf_fmt = input_.byte() & 0x33;
    cmd.data_out_count = input_.byte() & 7;
    cmd.data_in_count = input_.byte() & 7;
    cmd.tag = wire::srp::to_tag(input_.byte());
    cmd.lun = scsi::encode_lun(input_.byte() % 3);
    cmd.task_attribute = input_.byte() % 5;
    cmd.cdb[0] = static_cast<std::byte>(opcodes[input_.byte() % std::size(opcodes)]);
    cmd.cdb[8] = static_cast<std::byte>(input_.byte() % 17);
    add_descriptor(iu, cmd.buf_fmt >> 4, cmd.data_out_count);
    add_descriptor(iu, wire::view<wire::srp::Cmd>(iu)->buf_fmt & 0xf,
                   wire::view<wire::srp::Cmd>(iu)->data_in_count);
    if ((wire::view<wire::srp::Cmd>(iu)->buf_fmt >> 4) == 3)
      iu.resize(std::max(iu.size(), std::size_t{68}) + 512);
    const std::uint8_t spoil = input_.byte();
    if (spoil < 16) iu.resize(iu.size() - std::min<std::size_t>(spoil, iu.size()));
    arrive(iu);
  }

  void add_descriptor(Bytes& iu, unsigned format, unsigned count) {
    const auto add = [&](const auto& layout) {
      const auto bytes = wire::bytes_of(layout);
      iu.insert(iu.end(), bytes.begin(), bytes.end());
    };
    const auto piece = [&] {
      const std::uint32_t key = input_.byte() % 4u;
      return wire::srp::MemoryDescriptor{input_.byte() * 8u, key, input_.byte() * 32u};
    };
    if (format == 1) add(piece());
    if (format == 3) add(wire::srp::ImmediateDescriptor{input_.byte() * 2u});
    if (format != 2) return;
    wire::srp::MemoryDescriptor table = piece();
    table.length = (count + input_.byte() % 3u) * 16u;
    add(wire::srp::IndirectDescriptor{table, input_.byte() * 64u});
    for (unsigned i = 0; i < count; ++i) add(piece());
  }

  void task_management() {
    static constexpr std::uint8_t functions[] = {1, 2, 4, 8, 0x40, 0x20};
    srp::TaskManagement request;
    request.tag = wire::srp::to_tag(0x1000 + input_.byte());
    request.function = static_cast<srp::TaskFunction>(functions[input_.byte() % 6]);
    request.task_tag = wire::srp::to_tag(input_.byte());
    request.lun = scsi::encode_lun(input_.byte() % 3);
    const auto iu = srp::build_tsk_mgmt(request);
    arrive(wire::bytes_of(iu));
  }

  void toggle_channel() {
    MockHost& host = login_.host;
    const std::uint8_t which = input_.byte();
    host.hold_reads = (which & 1) != 0;
    host.hold_sends = (which & 2) != 0;
    if (!host.destroyed && (which & 4) != 0) login_.channel->complete_all();
    world_.settle();
  }

  Input input_;
  World world_;
  MockLogin& login_ = world_.login();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::set_level(log::Level::error);
  Run(Input({data, size})).all();
  return 0;
}
