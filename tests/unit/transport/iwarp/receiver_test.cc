// The receive machine over bytes from real captures and over everything that is wrong with a
// stream.
#include "transport/iwarp/receiver.h"

#include <gtest/gtest.h>

#include <cstring>
#include <list>

#include "support/hex.h"
#include "transport/iwarp/iu_pool.h"

namespace srpd::transport::iwarp {
namespace {

using test::hex;
using wire::rdmap::ErrorCode;

constexpr const char* crc_off = "00000000";

struct Fixture : Receiver::Owner {
  explicit Fixture(Receiver::Settings settings = {false, 8260, 4})
      : inbound(settings.inbound_reads), receiver(settings, *this, stags, outstanding, inbound) {}

  Iu* take_iu(std::uint32_t length, bool whole) override {
    return buffers_left-- > 0 ? pool.take(whole ? length : 8260) : nullptr;
  }
  void deliver(Iu& iu) override {
    ius.emplace_back(reinterpret_cast<const char*>(iu.data), iu.length);
    IuPool::release(iu);
    if (stop_on_delivery) receiver.stop();
  }
  void read_placed(const OutstandingRead& read) override { placed.push_back(read.stag); }
  void read_requested(const InboundRead& request) override { inbound.push(request); }
  void first_fpdu_arrived() override { ++first; }
  ~Fixture() {
    if (Iu* const iu = receiver.take_unfinished()) IuPool::release(*iu);
  }

  bool feed(std::string_view text) { return receiver.consume(hex(text)); }
  void expect_fault(std::string_view text, ErrorCode code) {
    EXPECT_FALSE(feed(text)) << text;
    EXPECT_TRUE(receiver.fault());
    EXPECT_EQ(receiver.fault().code, code) << receiver.fault().text;
    EXPECT_FALSE(feed("00"));
  }
  void await(std::span<iovec> sink, std::uint32_t stag, std::uint32_t length) {
    OutstandingRead read;
    read.sink = Cursor(sink);
    read.stag = stag;
    read.left = length;
    outstanding.push(read);
  }

  IuPool pool;
  StagTable stags;
  Ring<OutstandingRead> outstanding{4};
  Ring<InboundRead> inbound;
  Receiver receiver;
  std::vector<std::string> ius;
  std::vector<std::uint32_t> placed;
  int first = 0;
  int buffers_left = 100;
  bool stop_on_delivery = false;
};

// An untagged FPDU with `payload` bytes of hex; L set unless `more`.
std::string send_fpdu(std::uint32_t msn, std::uint32_t offset, std::string_view payload,
                      bool more = false, unsigned opcode = 3, std::uint32_t stag = 0,
                      std::uint32_t queue = 0) {
  char head[64];
  const auto bytes = static_cast<unsigned>(payload.size() / 2);
  std::snprintf(head, sizeof head, "%04x%02x4%x%08x%08x%08x%08x", 18 + bytes, more ? 0x01 : 0x41,
                opcode, stag, queue, msn, offset);
  std::string out = head + std::string(payload);
  while ((out.size() / 2) % 4 != 0) out += "00";
  return out + crc_off;
}

std::string tagged_fpdu(unsigned opcode, std::uint32_t stag, std::uint64_t offset,
                        std::string_view payload, bool more = false) {
  char head[64];
  const auto bytes = static_cast<unsigned>(payload.size() / 2);
  std::snprintf(head, sizeof head, "%04x%02x4%x%08x%016llx", 14 + bytes, more ? 0x81 : 0xc1, opcode,
                stag, static_cast<unsigned long long>(offset));
  std::string out = head + std::string(payload);
  while ((out.size() / 2) % 4 != 0) out += "00";
  return out + crc_off;
}

std::string read_request(std::uint32_t msn, std::uint32_t size, std::uint32_t stag,
                         std::uint64_t offset) {
  char text[128];
  std::snprintf(text, sizeof text, "002e4141%08x%08x%08x%08x%08x%016x%08x%08x%016llx", 0, 1, msn, 0,
                0x0e7cac01, 0, size, stag, static_cast<unsigned long long>(offset));
  return std::string(text) + crc_off;
}

// 4.3 of the captures: SRP_CMD READ(10) of ib_srp.
constexpr const char* srp_cmd =
    "00524143000000000000000000000001 00000000"
    "0200000000010000350000000000000000000000"
    "0000000000000000000000002800000003200000"
    "0800000000000000ff395f20c332f00023414b24"
    "00001000 00000000";

TEST(Receiver, SrpCommandOfIbSrp) {
  Fixture f;
  EXPECT_TRUE(f.feed(srp_cmd));
  ASSERT_EQ(f.ius.size(), 1u);
  EXPECT_EQ(f.ius[0].size(), 64u);
  EXPECT_EQ(f.ius[0][0], '\x02');
  EXPECT_EQ(f.first, 1);
}

TEST(Receiver, ByteByByte) {
  Fixture f;
  const auto bytes = hex(std::string(srp_cmd) + send_fpdu(2, 0, "616263", true) +
                         send_fpdu(2, 3, "6465") + tagged_fpdu(0, 1, 0, ""));
  for (const std::byte& byte : bytes) ASSERT_TRUE(f.receiver.consume({&byte, 1}));
  ASSERT_EQ(f.ius.size(), 2u);
  EXPECT_EQ(f.ius[1], "abcde");
  EXPECT_EQ(f.first, 1);
}

TEST(Receiver, CrcVectors) {
  Fixture f({true, 8260, 4});
  EXPECT_TRUE(f.feed("000ec140 00000001 00000000 00000000 ebd34c5f"));
  EXPECT_TRUE(f.feed("000ec140 00000001 00000000 00000000 ebd34c5f"));
  std::byte sink[1];
  iovec place{sink, 0};
  f.await({&place, 1}, 7, 0);
  EXPECT_TRUE(f.feed("000ec142 00000000 00000000 00000000 6975d6ca"));
  EXPECT_EQ(f.placed, std::vector<std::uint32_t>{7});
  f.expect_fault("000ec140 00000001 00000000 00000000 ebd34c5e", ErrorCode::mpa_crc);
}

TEST(Receiver, CrcOfPlacedPayload) {
  Fixture f({true, 8260, 4});
  std::vector<std::byte> memory(16);
  // The vector's STag is not ours: place a Write with it by hand is impossible, so see the CRC pass
  // and the STag fail.
  f.expect_fault("0012c140 3d731e02 ff277ed8 040f6000 00000003 11c9a006",
                 ErrorCode::ddp_invalid_stag);
}

TEST(Receiver, EmptyWriteAndReadNeedNoStag) {
  Fixture f;
  EXPECT_TRUE(f.feed(tagged_fpdu(0, 0xdeadbeef, 77, "")));
  EXPECT_TRUE(f.feed(read_request(1, 0, 0xdeadbeef, 77)));
  EXPECT_EQ(f.inbound.size(), 1u);
  EXPECT_TRUE(f.inbound.front().source.empty());
  EXPECT_EQ(f.inbound.front().sink_stag, 0x0e7cac01u);
}

TEST(Receiver, EmptySendIsNotDelivered) {
  Fixture f;
  EXPECT_TRUE(f.feed(send_fpdu(1, 0, "")));
  EXPECT_TRUE(f.feed(send_fpdu(2, 0, "41")));
  EXPECT_EQ(f.ius, std::vector<std::string>{"A"});
}

TEST(Receiver, AllKindsOfSend) {
  Fixture f;
  std::vector<std::byte> memory(16);
  const auto a = f.stags.expose(memory, Access::both);
  const auto b = f.stags.expose(memory, Access::both);
  EXPECT_TRUE(f.feed(send_fpdu(1, 0, "41", false, 3)));
  EXPECT_TRUE(f.feed(send_fpdu(2, 0, "42", false, 4, a.key)));
  EXPECT_TRUE(f.feed(send_fpdu(3, 0, "43", false, 5)));
  EXPECT_TRUE(f.feed(send_fpdu(4, 0, "44", false, 6, b.key)));
  EXPECT_EQ(f.ius, (std::vector<std::string>{"A", "B", "C", "D"}));
  f.expect_fault(tagged_fpdu(0, a.key, 0, "01"), ErrorCode::ddp_invalid_stag);
}

TEST(Receiver, InvalidateOfUnknownStag) {
  Fixture f;
  f.expect_fault(send_fpdu(1, 0, "41", false, 4, 0x12345678), ErrorCode::rdmap_cannot_invalidate);
}

TEST(Receiver, WritesLandInBounds) {
  Fixture f;
  std::vector<std::byte> memory(8);
  const auto stag = f.stags.expose(memory, Access::remote_write).key;
  EXPECT_TRUE(f.feed(tagged_fpdu(0, stag, 2, "0102", true)));
  EXPECT_TRUE(f.receiver.in_tagged_message());
  EXPECT_TRUE(f.feed(tagged_fpdu(0, 99, 5, "")));     // an empty one in between
  EXPECT_TRUE(f.feed(send_fpdu(1, 0, "41", false)));  // and an untagged message
  EXPECT_TRUE(f.feed(tagged_fpdu(0, stag, 4, "03040506")));
  EXPECT_FALSE(f.receiver.in_tagged_message());
  EXPECT_EQ(test::to_hex(memory), "0000010203040506");
  f.expect_fault(tagged_fpdu(0, stag, 7, "0102"), ErrorCode::ddp_bounds);
}

TEST(Receiver, WritesContinueWhereTheyLeftOff) {
  for (const int wrong : {0, 1, 2}) {
    Fixture f;
    std::vector<std::byte> memory(8);
    const auto stag = f.stags.expose(memory, Access::remote_write).key;
    const auto other = f.stags.expose(memory, Access::remote_write).key;
    EXPECT_TRUE(f.feed(tagged_fpdu(0, stag, 0, "0102", true)));
    if (wrong == 0) f.expect_fault(tagged_fpdu(0, stag, 3, "03"), ErrorCode::ddp_bounds);
    if (wrong == 1) f.expect_fault(tagged_fpdu(0, other, 2, "03"), ErrorCode::ddp_bounds);
    if (wrong == 2) {
      iovec place{memory.data(), 1};
      f.await({&place, 1}, 7, 1);
      f.expect_fault(tagged_fpdu(2, 7, 0, "03"), ErrorCode::rdmap_unexpected_opcode);
    }
  }
}

TEST(Receiver, WriteNeedsAccessAndNoWrap) {
  std::vector<std::byte> memory(8);
  {
    Fixture f;
    const auto stag = f.stags.expose(memory, Access::remote_read).key;
    f.expect_fault(tagged_fpdu(0, stag, 0, "01"), ErrorCode::rdmap_access);
  }
  Fixture f;
  const auto stag = f.stags.expose(memory, Access::remote_write).key;
  f.expect_fault(tagged_fpdu(0, stag, UINT64_MAX, "0102"), ErrorCode::ddp_offset_wrap);
}

TEST(Receiver, WithdrawnInTheMiddleOfAPayload) {
  Fixture f;
  std::vector<std::byte> memory(8);
  const auto stag = f.stags.expose(memory, Access::remote_write).key;
  const auto bytes = hex(tagged_fpdu(0, stag, 0, "0102030405060708"));
  EXPECT_TRUE(f.receiver.consume(std::span(bytes).first(19)));
  f.stags.withdraw(stag);
  f.receiver.memory_withdrawn(stag);
  iovec pieces[2];
  EXPECT_EQ(f.receiver.direct(pieces), 0u);
  EXPECT_FALSE(f.receiver.consume(std::span(bytes).subspan(19)));
  EXPECT_EQ(test::to_hex(memory), "0102030000000000");
}

TEST(Receiver, ReadResponsesFillTheOldestRead) {
  Fixture f;
  std::vector<std::byte> memory(8);
  iovec first[2] = {{memory.data(), 2}, {memory.data() + 2, 3}};
  iovec second{memory.data() + 5, 3};
  f.await(first, 10, 5);
  f.await({&second, 1}, 11, 3);
  EXPECT_TRUE(f.feed(tagged_fpdu(2, 10, 0, "010203", true)));
  EXPECT_TRUE(f.feed(tagged_fpdu(2, 10, 3, "0405")));
  EXPECT_TRUE(f.feed(tagged_fpdu(2, 11, 0, "060708")));
  EXPECT_EQ(test::to_hex(memory), "0102030405060708");
  EXPECT_EQ(f.placed, (std::vector<std::uint32_t>{10, 11}));
  f.expect_fault(tagged_fpdu(2, 11, 0, "01"), ErrorCode::rdmap_unexpected_opcode);
}

TEST(Receiver, ReadResponsesThatDoNotMatch) {
  struct Case {
    std::string fpdu;
    ErrorCode code;
  };
  const Case cases[] = {
      {tagged_fpdu(2, 11, 0, "0102030405"), ErrorCode::ddp_invalid_stag},
      {tagged_fpdu(2, 10, 1, "0102030405"), ErrorCode::ddp_bounds},
      {tagged_fpdu(2, 10, 0, "010203040506"), ErrorCode::ddp_bounds},
      {tagged_fpdu(2, 10, 0, "01020304"), ErrorCode::ddp_bounds},  // ends too early
      {tagged_fpdu(2, 10, 0, ""), ErrorCode::ddp_bounds},
  };
  for (const Case& c : cases) {
    Fixture f;
    std::vector<std::byte> memory(8);
    iovec place{memory.data(), 5};
    f.await({&place, 1}, 10, 5);
    f.expect_fault(c.fpdu, c.code);
    EXPECT_EQ(test::to_hex(memory), "0000000000000000");
  }
}

TEST(Receiver, ReadRequests) {
  Fixture f;
  std::vector<std::byte> memory(64);
  const auto stag = f.stags.expose(memory, Access::remote_read).key;
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_TRUE(f.feed(read_request(i, 10, stag, i)));
  EXPECT_EQ(f.inbound.size(), 4u);
  EXPECT_EQ(f.inbound[2].source.data(), memory.data() + 3);
  f.expect_fault(read_request(5, 10, stag, 0), ErrorCode::ddp_no_buffer);
  EXPECT_EQ(f.receiver.fault().header_length, 48);
}

TEST(Receiver, ReadRequestsForWhatIsNotTheirs) {
  std::vector<std::byte> memory(64);
  const auto fault = [&](std::uint32_t size, std::uint32_t flip, std::uint64_t offset,
                         Access access, ErrorCode code) {
    Fixture f;
    const auto stag = f.stags.expose(memory, access).key;
    f.expect_fault(read_request(1, size, stag ^ flip, offset), code);
  };
  fault(65, 0, 0, Access::remote_read, ErrorCode::rdmap_bounds);
  fault(1, 0, 64, Access::remote_read, ErrorCode::rdmap_bounds);
  fault(1, 1, 0, Access::remote_read, ErrorCode::rdmap_invalid_stag);
  fault(1, 0, 0, Access::remote_write, ErrorCode::rdmap_access);
  fault(2, 0, UINT64_MAX, Access::remote_read, ErrorCode::rdmap_offset_wrap);
}

TEST(Receiver, LiesInHeaders) {
  struct Case {
    std::string bytes;
    ErrorCode code;
  };
  const Case cases[] = {
      {"000dc14000000001000000000000000000000000", ErrorCode::mpa_length},
      {"0000c14000000001000000000000000000000000", ErrorCode::mpa_length},
      {"001141430000000000000000000000010000000000000000", ErrorCode::mpa_length},
      {"000ec24000000001000000000000000000000000", ErrorCode::ddp_tagged_version},
      {"00124043000000000000000000000001000000000000", ErrorCode::ddp_untagged_version},
      {"000ec10000000001000000000000000000000000", ErrorCode::rdmap_version},
      {"000ec14300000001000000000000000000000000", ErrorCode::rdmap_unexpected_opcode},
      {"00124140000000000000000000000001000000000000", ErrorCode::rdmap_unexpected_opcode},
      {"00124148000000000000000000000001000000000000", ErrorCode::rdmap_unexpected_opcode},
      {"0012414f000000000000000000000001000000000000", ErrorCode::rdmap_unexpected_opcode},
      {send_fpdu(2, 0, "41"), ErrorCode::ddp_msn_range},
      {send_fpdu(0, 0, "41"), ErrorCode::ddp_msn_range},
      {send_fpdu(1, 1, "41"), ErrorCode::ddp_message_offset},
      {send_fpdu(1, 0, "41", false, 3, 0, 1), ErrorCode::ddp_invalid_queue},
      {send_fpdu(1, 0, "4142", true) + send_fpdu(1, 3, "41"), ErrorCode::ddp_message_offset},
      {send_fpdu(1, 0, "4142", true) + send_fpdu(2, 2, "41"), ErrorCode::ddp_msn_range},
      {send_fpdu(1, 0, "4142", true) + send_fpdu(1, 2, "41", false, 5),
       ErrorCode::rdmap_unexpected_opcode},
      {send_fpdu(1, 0, std::string(2 * 8261, '0')), ErrorCode::ddp_message_too_long},
      {send_fpdu(1, 0, std::string(2 * 8260, '0'), true) + send_fpdu(1, 8260, "41"),
       ErrorCode::ddp_message_too_long},
      {read_request(2, 0, 0, 0), ErrorCode::ddp_msn_range},
      {"002f" + read_request(1, 0, 0, 0).substr(4), ErrorCode::mpa_length},
      {"002d" + read_request(1, 0, 0, 0).substr(4), ErrorCode::mpa_length},
      {"002e0141" + read_request(1, 0, 0, 0).substr(8), ErrorCode::ddp_message_offset},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.bytes.substr(0, 60));
    Fixture f;
    f.expect_fault(c.bytes, c.code);
    EXPECT_TRUE(f.ius.empty());
  }
}

TEST(Receiver, NoBufferLeft) {
  Fixture f;
  f.buffers_left = 1;
  EXPECT_TRUE(f.feed(send_fpdu(1, 0, "41")));
  f.expect_fault(send_fpdu(2, 0, "41"), ErrorCode::ddp_no_buffer);
}

TEST(Receiver, TerminateWithoutCrcOrWholeLength) {
  Fixture f({true, 8260, 4});
  EXPECT_FALSE(f.feed("001641470000000000000002000000010000000011000300"));
  EXPECT_TRUE(f.receiver.peer_terminated());
  EXPECT_FALSE(f.receiver.fault());
  EXPECT_EQ(test::to_hex(f.receiver.terminate_control()), "11000300");
  Fixture shorter;
  EXPECT_FALSE(shorter.feed("0012414700000000000000020000000100000000"));
  EXPECT_TRUE(shorter.receiver.peer_terminated());
}

TEST(Receiver, StopFromACallback) {
  Fixture f;
  f.stop_on_delivery = true;
  EXPECT_FALSE(f.feed(send_fpdu(1, 0, "41") + send_fpdu(2, 0, "42")));
  EXPECT_EQ(f.ius.size(), 1u);
  EXPECT_FALSE(f.receiver.fault());
}

TEST(Receiver, DirectPlacementAcrossPieces) {
  Fixture f;
  std::vector<std::byte> memory(100);
  iovec places[3] = {{memory.data(), 10}, {memory.data() + 10, 0}, {memory.data() + 50, 20}};
  f.await(places, 3, 30);
  std::string payload;
  for (int i = 0; i < 30; ++i) payload += "5a";
  const auto bytes = hex(tagged_fpdu(2, 3, 0, payload));
  EXPECT_TRUE(f.receiver.consume(std::span(bytes).first(16 + 4)));
  iovec pieces[4];
  ASSERT_EQ(f.receiver.direct(pieces), 2u);
  EXPECT_EQ(pieces[0].iov_base, memory.data() + 4);
  EXPECT_EQ(pieces[0].iov_len, 6u);
  EXPECT_EQ(pieces[1].iov_base, memory.data() + 50);
  EXPECT_EQ(pieces[1].iov_len, 20u);
  std::memset(memory.data() + 4, 0x5a, 6);
  std::memset(memory.data() + 50, 0x5a, 4);
  f.receiver.placed(10);
  EXPECT_EQ(f.receiver.payload_left(), 16u);
  EXPECT_TRUE(f.receiver.consume(std::span(bytes).subspan(30)));
  EXPECT_EQ(f.placed.size(), 1u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(memory[static_cast<std::size_t>(50 + i)], std::byte{0x5a});
}

}  // namespace
}  // namespace srpd::transport::iwarp
