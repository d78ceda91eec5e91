// fuzz layers: transport
//
// A peer's whole stream: the MPA frame, then FPDUs, in pieces of any size, into the protocol cores.
// The first byte says what was agreed on, the second how the stream is cut. Checked: nothing is
// placed outside what was exposed, every receive buffer comes back, the stream never continues
// after a fault.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "transport/iwarp/iu_pool.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/receiver.h"

namespace srpd::transport::iwarp {
namespace {

constexpr std::size_t guard = 64;
constexpr std::byte untouched{0xa5};

struct Endpoint : Receiver::Owner {
  explicit Endpoint(const Receiver::Settings& settings)
      : receiver(settings, *this, stags, outstanding, inbound) {
    for (std::vector<std::byte>* memory : {&writable, &readable, &sink})
      memory->assign(4096 + 2 * guard, untouched);
    stags.expose(inside(writable), Access::remote_write);
    stags.expose(inside(readable), Access::remote_read);
    for (int i = 0; i < 4; ++i) {
      places[i][0] = {inside(sink).data() + i * 1024, 300};
      places[i][1] = {inside(sink).data() + i * 1024 + 300, 724};
      OutstandingRead read;
      read.sink = Cursor(places[i]);
      read.stag = static_cast<std::uint32_t>(i + 1);
      read.left = 1024;
      outstanding.push(read);
    }
  }

  static std::span<std::byte> inside(std::vector<std::byte>& memory) {
    return std::span(memory).subspan(guard, 4096);
  }

  Iu* take_iu(std::uint32_t length, bool whole) override {
    return held.size() < 8 ? pool.take(whole ? length : 8260) : nullptr;
  }
  void deliver(Iu& iu) override {
    CHECK(iu.length > 0 && iu.length <= 8260);
    held.push_back(&iu);
    if (held.size() == 8) release_all();
  }
  void read_placed(const OutstandingRead& read) override { CHECK(read.left == 0); }
  void read_requested(const InboundRead& request) override {
    inbound.push(request);
    const auto all = inside(readable);
    CHECK(request.source.empty() ||
          (request.source.data() >= all.data() &&
           request.source.data() + request.source.size() <= all.data() + all.size()));
  }
  void first_fpdu_arrived() override { CHECK(++first == 1); }

  void release_all() {
    for (Iu* iu : held) IuPool::release(*iu);
    held.clear();
  }

  void check_memory() {
    for (std::vector<std::byte>* memory : {&writable, &sink}) {
      CHECK(std::all_of(memory->begin(), memory->begin() + guard,
                        [](std::byte b) { return b == untouched; }));
      CHECK(std::all_of(memory->end() - guard, memory->end(),
                        [](std::byte b) { return b == untouched; }));
    }
    CHECK(
        std::all_of(readable.begin(), readable.end(), [](std::byte b) { return b == untouched; }));
  }

  ~Endpoint() {
    if (Iu* const iu = receiver.take_unfinished()) IuPool::release(*iu);
    release_all();
    CHECK(pool.lent() == 0);
  }

  std::vector<std::byte> writable, readable, sink;
  iovec places[4][2];
  IuPool pool;
  StagTable stags;
  Ring<OutstandingRead> outstanding{4};
  Ring<InboundRead> inbound{4};
  Receiver receiver;
  std::vector<Iu*> held;
  int first = 0;
};

// Into its place where the machine names one, into the staging buffer otherwise, as a channel
// reads.
void receive(Endpoint& end, std::span<const std::byte> bytes) {
  iovec pieces[3];
  const std::size_t count = end.receiver.direct(pieces);
  for (std::size_t i = 0; i < count && !bytes.empty(); ++i) {
    const std::size_t step = std::min(bytes.size(), pieces[i].iov_len);
    std::memcpy(pieces[i].iov_base, bytes.data(), step);
    end.receiver.placed(step);
    bytes = bytes.subspan(step);
  }
  if (bytes.empty()) return;
  const bool alive = end.receiver.consume(bytes);
  CHECK(alive == (!end.receiver.fault() && !end.receiver.peer_terminated()));
}

std::span<const std::byte> skip_frame(std::span<const std::byte> bytes) {
  const auto check = check_frame(bytes, FrameKind::request);
  if (check.error != nullptr || bytes.size() < check.length) return bytes;
  const auto frame = parse_frame(bytes.first(check.length));
  if (frame.error == nullptr) {
    const auto response = respond(frame.setup, {.inbound_reads = 2, .outbound_reads = 16});
    CHECK(!frame.setup.enhanced || response.agreement.outbound_reads <= frame.setup.ird);
    FrameBuffer out;
    CHECK(encode_frame(FrameKind::reply, response.reply, {}, out) >= sizeof(wire::mpa::Frame));
    static_cast<void>(evaluate(make_request(2, {}, true, true), frame.setup, {}));
  }
  return bytes.subspan(check.length);
}

void run(std::span<const std::byte> input) {
  if (input.size() < 2) return;
  const auto mode = std::to_integer<unsigned>(input[0]);
  Random cut(std::to_integer<std::uint64_t>(input[1]));
  auto stream = skip_frame(input.subspan(2));
  Endpoint end({(mode & 1) != 0, 8260, mode >> 1 & 3});
  while (!stream.empty()) {
    const std::size_t step =
        std::min<std::size_t>(1 + cut.below(mode & 8 ? 5 : 2000), stream.size());
    receive(end, stream.first(step));
    stream = stream.subspan(step);
    while (end.inbound.size() > 2) end.inbound.pop();
  }
  end.check_memory();
  if (end.receiver.fault()) {
    std::array<std::byte, max_terminate> bytes;
    CHECK(encode_terminate(end.receiver.fault(), true, bytes) <= max_terminate);
  }
  static_cast<void>(describe_terminate(end.receiver.terminate_control()));
}

}  // namespace
}  // namespace srpd::transport::iwarp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  srpd::transport::iwarp::run(std::as_bytes(std::span(data, size)));
  return 0;
}
