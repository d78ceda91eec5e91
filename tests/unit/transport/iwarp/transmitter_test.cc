// What the transmit side puts on the wire: bytes against captures, and whole conversations into a
// Receiver with every FPDU size and sockets that take as little as they like.
#include "transport/iwarp/transmitter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>

#include "base/random.h"
#include "support/hex.h"
#include "transport/iwarp/iu_pool.h"

namespace srpd::transport::iwarp {
namespace {

using Settings = Transmitter::Settings;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct Sender {
  explicit Sender(const Settings& settings) : transmitter(settings, outstanding, inbound) {}

  /// Everything that can be sent now, as hex; the socket takes `most` bytes at a time.
  std::string drain(std::size_t most = SIZE_MAX) {
    std::string out;
    while (transmitter.build(*batch)) {
      std::size_t left = std::min(most, batch->bytes);
      const std::size_t taken = left;
      for (const iovec& piece : batch->iov()) {
        const std::size_t step = std::min(left, piece.iov_len);
        out += test::to_hex({static_cast<const std::byte*>(piece.iov_base), step});
        left -= step;
      }
      transmitter.sent(*batch, taken, done);
      batches.push_back(taken);
    }
    return out;
  }

  Ring<OutstandingRead> outstanding{16};
  Ring<InboundRead> inbound{16};
  Transmitter transmitter;
  std::unique_ptr<Batch> batch = std::make_unique<Batch>();
  WorkQueue<SendWork> done;
  std::vector<std::size_t> batches;
};

TEST(Transmitter, SendAsCaptured) {
  Sender sender({});
  SendWork work;
  const auto iu = test::hex("c1000000000000013500000000000000");
  work.iu = iu;
  sender.transmitter.post(work);
  EXPECT_EQ(sender.drain(),
            "00224143"
            "00000000"
            "00000000"
            "00000001"
            "00000000"
            "c1000000000000013500000000000000"
            "00000000");
  EXPECT_EQ(sender.done.pop(), &work);
  EXPECT_EQ(sender.transmitter.queued_bytes(), 0u);
}

TEST(Transmitter, ReadRequestAsCaptured) {
  Sender sender({.read_depth = 4});
  ReadWork work;
  const RemoteSegment remote{0xff395f20c31ee000, 0x23414b26, 0x4000};
  std::vector<std::byte> memory(0x4000);
  const iovec local{memory.data(), memory.size()};
  work.remote = {&remote, 1};
  work.local = {&local, 1};
  work.length = 0x4000;
  EXPECT_TRUE(sender.transmitter.post(work));
  EXPECT_EQ(sender.drain(),
            "002e4141"
            "00000000"
            "00000001"
            "00000001"
            "00000000"
            "00000001"
            "0000000000000000"
            "00004000"
            "23414b26"
            "ff395f20c31ee000"
            "00000000");
  EXPECT_EQ(sender.outstanding.size(), 1u);
}

TEST(Transmitter, RtrAsHardwareSendsThem) {
  Sender write({.crc = true, .rtr = Rtr::write});
  EXPECT_EQ(write.drain(), "000ec140000000010000000000000000ebd34c5f");
  Sender read({.rtr = Rtr::read});
  EXPECT_EQ(read.drain(),
            "002e4141"
            "00000000"
            "00000001"
            "00000001"
            "00000000"
            "00000001"
            "0000000000000000"
            "00000000"
            "00000001"
            "0000000000000000"
            "00000000");
  EXPECT_EQ(read.outstanding.size(), 1u);
}

TEST(Transmitter, EmptyReadResponseAsCaptured) {
  Sender sender({.crc = true});
  sender.inbound.push({});
  EXPECT_EQ(sender.drain(), "000ec1420000000000000000000000006975d6ca");
  EXPECT_TRUE(sender.inbound.empty());
}

TEST(Transmitter, CutsAtTheFpduSizeWithoutPad) {
  Sender sender({.max_fpdu = 1424});
  const std::string data(4096, 'd');
  const RemoteSegment remote{0xff395f20c332f000, 0x23414b24, 4096};
  const iovec local{const_cast<char*>(data.data()), data.size()};
  SendWork work;
  work.remote = {&remote, 1};
  work.local = {&local, 1};
  work.length = 4096;
  sender.transmitter.post(work);
  const std::string out = sender.drain();
  // The three FPDUs of siw for the same Write.
  EXPECT_EQ(out.substr(0, 32), "058a814023414b24ff395f20c332f000");
  EXPECT_EQ(out.substr(2 * 1424, 32), "058a814023414b24ff395f20c332f57c");
  EXPECT_EQ(out.substr(4 * 1424, 32), "0516c14023414b24ff395f20c332faf8");
  EXPECT_EQ(out.size(), 2u * (2 * 1424 + 1308));
}

TEST(Transmitter, WaitsForThePeer) {
  Sender sender({.wait_for_peer = true});
  SendWork work;
  work.iu = bytes_of("early");
  sender.transmitter.post(work);
  EXPECT_EQ(sender.drain(), "");
  sender.transmitter.open();
  EXPECT_NE(sender.drain(), "");
}

TEST(Transmitter, AlignedFpdusNeverCrossSegments) {
  Sender sender({.max_fpdu = 1428, .segment = 1428});
  std::vector<std::byte> data(100'000);
  const RemoteSegment remote{0, 1, 100'000};
  const iovec local{data.data(), data.size()};
  std::deque<SendWork> works;
  for (int i = 0; i < 5; ++i) {
    SendWork& work = works.emplace_back();
    work.remote = {&remote, 1};
    work.local = {&local, 1};
    work.length = static_cast<std::uint32_t>(1000 + 20'000 * i);
    work.iu = bytes_of("response");
    sender.transmitter.post(work);
  }
  const auto stream = test::hex(sender.drain());
  std::size_t at = 0;
  for (const std::size_t batch : sender.batches) {
    for (std::size_t in = 0; in < batch;) {
      const std::size_t ulpdu = std::to_integer<std::size_t>(stream[at]) << 8 |
                                std::to_integer<std::size_t>(stream[at + 1]);
      const std::size_t size = wire::mpa::fpdu_size(static_cast<std::uint32_t>(ulpdu));
      EXPECT_LE(in % 1428 + size, 1428u);
      in += size;
      at += size;
    }
  }
  EXPECT_EQ(at, stream.size());
}

// Two ends joined by a wire that cuts where it likes.
struct End final : Receiver::Owner {
  End(const Settings& settings, std::uint32_t depth)
      : sender(settings),
        receiver({settings.crc, 8260, depth}, *this, stags, sender.outstanding, sender.inbound) {}
  Iu* take_iu(std::uint32_t length, bool whole) override {
    return pool.take(whole ? length : 8260);
  }
  void deliver(Iu& iu) override {
    ius.emplace_back(reinterpret_cast<const char*>(iu.data), iu.length);
    IuPool::release(iu);
  }
  void read_placed(const OutstandingRead& read) override {
    if (read.last_of_work) reads_done += sender.transmitter.read_done() == read.work ? 1 : 0;
  }
  void read_requested(const InboundRead& request) override { sender.inbound.push(request); }
  void first_fpdu_arrived() override { sender.transmitter.open(); }

  Sender sender;
  IuPool pool;
  StagTable stags;
  Receiver receiver;
  std::vector<std::string> ius;
  int reads_done = 0;
};

// One step: what the socket takes of one batch.
bool carry(End& from, End& to, std::size_t most) {
  Batch& batch = *from.sender.batch;
  if (!from.sender.transmitter.build(batch)) return false;
  std::size_t left = std::min(most, batch.bytes);
  std::vector<std::byte> wire;
  for (const iovec& piece : batch.iov()) {
    const std::size_t step = std::min(left, piece.iov_len);
    const auto* data = static_cast<const std::byte*>(piece.iov_base);
    wire.insert(wire.end(), data, data + step);
    left -= step;
  }
  from.sender.transmitter.sent(batch, wire.size(), from.sender.done);
  EXPECT_TRUE(to.receiver.consume(wire)) << to.receiver.fault().text;
  return true;
}

class Conversation : public ::testing::TestWithParam<std::tuple<std::uint32_t, bool>> {};

TEST_P(Conversation, MixedTrafficThroughANarrowWire) {
  const auto [max_fpdu, crc] = GetParam();
  Settings settings{.crc = crc, .max_fpdu = max_fpdu, .read_depth = 3};
  End host(settings, 3);
  settings.wait_for_peer = true;
  End target(settings, 3);
  Random random(max_fpdu);

  struct Unit {
    std::vector<std::byte> there, here;
    RemoteSegment remote[2];
    iovec local[3];
    SendWork send;
    ReadWork read;
    std::string text;
  };
  std::deque<Unit> units;
  std::deque<SendWork> questions;
  for (int i = 0; i < 60; ++i) {
    const auto size = static_cast<std::uint32_t>(1 + random.below(6000));
    Unit& unit = units.emplace_back();
    unit.there.resize(size);
    unit.here.resize(size);
    for (auto* memory : {&unit.there, &unit.here})
      for (auto& byte : *memory) byte = static_cast<std::byte>(random.next());
    const auto whole = host.stags.expose(unit.there, Access::both);
    const auto cut = static_cast<std::uint32_t>(random.below(size));
    unit.remote[0] = {whole.address, whole.key, cut};
    unit.remote[1] = {whole.address + cut, whole.key, size - cut};
    const std::size_t third = size / 3;
    unit.local[0] = {unit.here.data(), third};
    unit.local[1] = {unit.here.data() + third, third};
    unit.local[2] = {unit.here.data() + 2 * third, size - 2 * third};
    unit.text.assign(1 + random.below(3000), static_cast<char>('a' + i % 26));
    unit.send.iu = bytes_of(unit.text);
    if (random.one_in(2)) {
      unit.send.remote = unit.remote;
      unit.send.local = unit.local;
      unit.send.length = size;
    } else {
      unit.read.remote = unit.remote;
      unit.read.local = unit.local;
      unit.read.length = size;
      EXPECT_TRUE(target.sender.transmitter.post(unit.read));
    }
    target.sender.transmitter.post(unit.send);
    SendWork& question = questions.emplace_back();
    question.iu = bytes_of(unit.text);
    host.sender.transmitter.post(question);
  }
  const std::size_t most = max_fpdu < 1000 ? 200 : 3000;
  bool moved = true;
  while (moved) {
    moved = carry(host, target, 1 + random.below(most));
    moved |= carry(target, host, 1 + random.below(most));
    ASSERT_FALSE(::testing::Test::HasFailure());
    ASSERT_LE(target.sender.outstanding.size(), 3u);
  }
  ASSERT_EQ(host.ius.size(), units.size());
  ASSERT_EQ(target.ius.size(), units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    EXPECT_EQ(units[i].there, units[i].here) << i;
    EXPECT_EQ(host.ius[i], units[i].text);
    EXPECT_EQ(target.ius[i], units[i].text);
    EXPECT_EQ(target.sender.done.pop(), &units[i].send);
  }
}

INSTANTIATE_TEST_SUITE_P(FpduSizes, Conversation,
                         ::testing::Combine(::testing::Values(64u, 67u, 128u, 1400u, 1424u, 65536u,
                                                              70000u),
                                            ::testing::Bool()));

TEST(Transmitter, ResumedFpduKeepsItsCrc) {
  Settings settings{.crc = true};
  End host(settings, 4);
  End target({.crc = true, .read_depth = 4}, 4);
  std::vector<std::byte> memory(5000, std::byte{1});
  const auto remote = host.stags.expose(memory, Access::remote_read);
  std::vector<std::byte> sink(5000);
  const iovec local{sink.data(), sink.size()};
  ReadWork read;
  read.remote = {&remote, 1};
  read.local = {&local, 1};
  read.length = 5000;
  EXPECT_TRUE(target.sender.transmitter.post(read));
  EXPECT_TRUE(carry(target, host, SIZE_MAX));
  EXPECT_TRUE(carry(host, target, 2000));
  EXPECT_TRUE(host.sender.transmitter.inside_fpdu());
  memory[0] = std::byte{2};  // already sent: an application may write to its buffer any time
  EXPECT_TRUE(carry(host, target, SIZE_MAX));
  EXPECT_EQ(target.reads_done, 1);
  EXPECT_EQ(sink, std::vector<std::byte>(5000, std::byte{1}));
}

TEST(Transmitter, AnswersGoBetweenTheFpdusOfAReadResponse) {
  Settings settings{.max_fpdu = 1000};
  End host(settings, 4);
  std::vector<std::byte> memory(50'000);
  InboundRead read;
  read.source = memory;
  host.sender.inbound.push(read);
  ASSERT_TRUE(host.sender.transmitter.build(*host.sender.batch));
  host.sender.transmitter.sent(*host.sender.batch, 1000, host.sender.done);
  SendWork work;
  work.iu = bytes_of("urgent");
  host.sender.transmitter.post(work);
  const std::string rest = host.sender.drain();
  EXPECT_EQ(rest.substr(4, 4), "4143");  // the Send comes next
}

TEST(Transmitter, AbandonedWorksComeBackOnce) {
  Sender sender({.read_depth = 2});
  std::deque<SendWork> sends(3);
  for (auto& work : sends) {
    work.iu = bytes_of("never");
    sender.transmitter.post(work);
  }
  ReadWork empty;
  EXPECT_FALSE(sender.transmitter.post(empty));
  sender.transmitter.abandon_sends(sender.done);
  for (auto& work : sends) {
    EXPECT_EQ(sender.done.pop(), &work);
    EXPECT_EQ(static_cast<int>(work.cookie), -ECONNRESET);
  }
  EXPECT_EQ(sender.drain(), "");
}

TEST(Transmitter, NoReadsWithoutDepth) {
  Sender sender({.read_depth = 0});
  ReadWork work;
  work.length = 5;
  EXPECT_FALSE(sender.transmitter.post(work));
  EXPECT_EQ(static_cast<int>(work.cookie), -EIO);
}

}  // namespace
}  // namespace srpd::transport::iwarp
