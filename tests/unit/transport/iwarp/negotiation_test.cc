// Frames as Linux' siw, irdma and cxgb4 send them, and the rules of RFC 6581.
#include "transport/iwarp/negotiation.h"

#include <gtest/gtest.h>

#include "support/hex.h"

namespace srpd::transport::iwarp {
namespace {

using test::hex;

constexpr const char* request_key = "4d504120494420526571204672616d65";
constexpr const char* reply_key = "4d504120494420526570204672616d65";

std::vector<std::byte> frame(const char* key, std::string_view rest) {
  return hex(std::string(key) + std::string(rest));
}

MpaSetup parsed(const std::vector<std::byte>& bytes) {
  const auto result = parse_frame(bytes);
  EXPECT_EQ(result.error, nullptr);
  return result.setup;
}

TEST(MpaFrame, RequestOfIbSrpOverSiw) {
  const auto bytes = frame(request_key,
                           "1002003c 00040000"
                           "0000000000000000 0006 80 00 00002044 00000000000000000000000000000000"
                           "dcea7bfffee29672 dcea7bfffee29672 0044 000000000000");
  ASSERT_EQ(bytes.size(), 80u);
  const auto check = check_frame(bytes, FrameKind::request);
  EXPECT_EQ(check.error, nullptr);
  EXPECT_EQ(check.length, 80u);
  const auto result = parse_frame(bytes);
  ASSERT_EQ(result.error, nullptr);
  EXPECT_EQ(result.setup.revision, 2);
  EXPECT_TRUE(result.setup.enhanced);
  EXPECT_FALSE(result.setup.crc || result.setup.markers || result.setup.peer_to_peer);
  EXPECT_EQ(result.setup.ird, 4);
  EXPECT_EQ(result.setup.ord, 0);
  EXPECT_EQ(result.private_data.size(), 56u);
}

TEST(MpaFrame, LengthIsKnownFromTheFirstTwentyBytes) {
  const auto bytes = frame(request_key, "10020200");
  for (std::size_t n = 0; n < 20; ++n)
    EXPECT_EQ(check_frame(std::span(bytes).first(n), FrameKind::request).length, 20u);
  EXPECT_EQ(check_frame(bytes, FrameKind::request).length, 20u + 512);
}

TEST(MpaFrame, StrangersAreKnownByTheirFirstByte) {
  EXPECT_NE(check_frame(hex("47"), FrameKind::request).error, nullptr);  // "GET /"
  EXPECT_EQ(check_frame(hex("4d50"), FrameKind::request).error, nullptr);
  EXPECT_NE(check_frame(frame(reply_key, ""), FrameKind::request).error, nullptr);
  EXPECT_NE(check_frame(frame(request_key, ""), FrameKind::reply).error, nullptr);
  EXPECT_NE(check_frame(frame(request_key, "10020201"), FrameKind::request).error, nullptr);
}

TEST(MpaFrame, RefusesWhatCannotBeParsed) {
  EXPECT_NE(parse_frame(frame(request_key, "00030000")).error, nullptr);        // revision 3
  EXPECT_NE(parse_frame(frame(request_key, "00000000")).error, nullptr);        // revision 0
  EXPECT_NE(parse_frame(frame(request_key, "10020003000000")).error, nullptr);  // no read depths
  EXPECT_NE(parse_frame(frame(request_key, "1002000400")).error, nullptr);      // short
  EXPECT_NE(parse_frame(hex("4d50")).error, nullptr);
}

TEST(MpaFrame, Revision1HasOnlyPrivateData) {
  const auto result = parse_frame(frame(request_key, "500100020123"));
  ASSERT_EQ(result.error, nullptr);
  EXPECT_FALSE(result.setup.enhanced);
  EXPECT_TRUE(result.setup.crc);
  EXPECT_EQ(result.private_data.size(), 2u);
}

TEST(MpaFrame, EncodesTheReplyOfTheKernelTarget) {
  MpaSetup reply;
  reply.enhanced = true;
  reply.ird = reply.ord = 4;
  FrameBuffer out;
  const auto data = hex("c000");
  const std::size_t length = encode_frame(FrameKind::reply, reply, data, out);
  EXPECT_EQ(test::to_hex(std::span(out).first(length)),
            std::string(reply_key) + "1002000600040004c000");
}

TEST(MpaFrame, NeverSendsMoreThanSiwTakes) {
  FrameBuffer out;
  MpaSetup setup;
  setup.enhanced = true;
  const std::vector<std::byte> data(253);
  EXPECT_EQ(encode_frame(FrameKind::reply, setup, data, out), 0u);
  EXPECT_EQ(encode_frame(FrameKind::reply, setup, std::span(data).first(252), out), 276u);
}

TEST(MpaNegotiation, ReadDepthNeverExceedsThePeers) {
  const MpaSetup siw = parsed(frame(request_key, "1002000400040000"));
  const auto response = respond(siw, {.outbound_reads = 16});
  EXPECT_EQ(response.error, nullptr);
  EXPECT_EQ(response.agreement.outbound_reads, 4);
  EXPECT_EQ(response.reply.ord, 4);
  EXPECT_EQ(response.reply.ird, 0);
  EXPECT_FALSE(response.agreement.crc || response.agreement.hardware_like);
  EXPECT_EQ(respond(siw, {.outbound_reads = 2}).reply.ord, 2);
}

TEST(MpaNegotiation, NeverRepliesOrdZeroToAPeerThatHoldsReads) {
  const MpaSetup siw = parsed(frame(request_key, "1002000400040000"));
  EXPECT_EQ(respond(siw, {.outbound_reads = 0}).reply.ord, 1);
  const MpaSetup none = parsed(frame(request_key, "1002000400000000"));
  EXPECT_EQ(respond(none, {.outbound_reads = 16}).agreement.outbound_reads, 0);
}

TEST(MpaNegotiation, UnspecifiedDepthCountsAsFour) {
  const MpaSetup setup = parsed(frame(request_key, "100200043fff3fff"));
  EXPECT_EQ(respond(setup, {.outbound_reads = 16}).agreement.outbound_reads, 4);
  MpaSetup old;
  old.revision = 1;
  const auto response = respond(old, {.outbound_reads = 16});
  EXPECT_EQ(response.agreement.outbound_reads, 4);
  EXPECT_EQ(response.reply.revision, 1);
  EXPECT_FALSE(response.reply.enhanced);
  // Adapters that default to peer-to-peer send an RTR even so.
  EXPECT_GE(response.agreement.inbound_reads, 1);
}

TEST(MpaNegotiation, PrefersTheWriteAsRtr) {
  // irdma: CRC, A, C and D.
  const auto both = respond(parsed(frame(request_key, "500200048004c001")), {});
  EXPECT_EQ(both.agreement.rtr, Rtr::write);
  EXPECT_TRUE(both.reply.peer_to_peer && both.reply.rtr_write && !both.reply.rtr_read);
  EXPECT_TRUE(both.reply.crc && both.agreement.crc && both.agreement.hardware_like);
  FrameBuffer out;
  const std::size_t length = encode_frame(FrameKind::reply, both.reply, {}, out);
  EXPECT_EQ(test::to_hex(std::span(out).first(length)).substr(32), "5002000480008001");
  // cxgb4: D only, and then an IRD of at least 1.
  const auto read = respond(parsed(frame(request_key, "5002000480044001")), {});
  EXPECT_EQ(read.agreement.rtr, Rtr::read);
  EXPECT_EQ(read.reply.ird, 1);
  // The empty Send is the last resort.
  EXPECT_EQ(respond(parsed(frame(request_key, "10020004c0040000")), {}).agreement.rtr, Rtr::send);
  // No kind at all: no peer-to-peer mode.
  EXPECT_FALSE(respond(parsed(frame(request_key, "1002000480040000")), {}).reply.peer_to_peer);
}

TEST(MpaNegotiation, CrcIfEitherSideWants) {
  MpaSetup request;
  EXPECT_TRUE(respond(request, {.crc = true}).reply.crc);
  EXPECT_FALSE(respond(request, {.crc = true}).agreement.hardware_like);
  request.crc = true;
  EXPECT_TRUE(respond(request, {}).agreement.crc);
}

TEST(MpaNegotiation, RefusesMarkers) {
  MpaSetup request;
  request.markers = true;
  request.enhanced = true;
  const auto response = respond(request, {});
  EXPECT_NE(response.error, nullptr);
  EXPECT_TRUE(response.reply.reject);
  EXPECT_TRUE(response.reply.enhanced);  // siw needs the four bytes in a reject too
}

TEST(MpaNegotiation, RejectLooksLikeTheKernels) {
  FrameBuffer out;
  MpaSetup request;
  request.enhanced = true;
  const std::size_t length =
      encode_frame(FrameKind::reply, rejection(request), hex("c2000000"), out);
  EXPECT_EQ(test::to_hex(std::span(out).first(length)).substr(32), "3002000800000004c2000000");
}

struct Initiator {
  Wishes wishes{.inbound_reads = 4, .outbound_reads = 0};
  MpaSetup request = make_request(2, wishes, true, true);
  Verdict judge(std::string_view rest) const {
    return evaluate(request, parsed(frame(reply_key, rest)), wishes);
  }
};

TEST(MpaInitiator, JudgesReplies) {
  Initiator initiator;
  EXPECT_EQ(initiator.request.ord, 1);  // for the Read RTR
  EXPECT_EQ(initiator.judge("1002000480048004").agreement.rtr, Rtr::write);
  EXPECT_EQ(initiator.judge("1002000480044004").agreement.rtr, Rtr::read);
  EXPECT_EQ(initiator.judge("1002000480048004").kind, Verdict::Kind::accepted);
  const auto no_rtr = initiator.judge("1002000480040004");
  EXPECT_EQ(no_rtr.kind, Verdict::Kind::failed);
  EXPECT_EQ(no_rtr.code, wire::rdmap::ErrorCode::mpa_no_common_rtr);
  EXPECT_EQ(initiator.judge("1002000480004004").kind, Verdict::Kind::failed);  // Read RTR, IRD 0
  EXPECT_EQ(initiator.judge("3002000400000004").kind, Verdict::Kind::rejected);
  EXPECT_EQ(initiator.judge("9002000480048004").kind, Verdict::Kind::failed);  // markers
  EXPECT_EQ(initiator.judge("00010000").kind, Verdict::Kind::failed);          // other revision
  EXPECT_EQ(initiator.judge("00020000").kind, Verdict::Kind::failed);          // no read depths
}

TEST(MpaInitiator, GrantsReadsBeyondItsOffer) {
  Initiator initiator;
  EXPECT_EQ(initiator.judge("1002000480048020").agreement.inbound_reads, 32);
  EXPECT_EQ(initiator.judge("100200048004bffe").agreement.inbound_reads, max_read_depth);
  EXPECT_EQ(initiator.judge("100200048004bfff").agreement.inbound_reads, 4);
  EXPECT_TRUE(initiator.judge("5002000480048004").agreement.crc);
}

}  // namespace
}  // namespace srpd::transport::iwarp
