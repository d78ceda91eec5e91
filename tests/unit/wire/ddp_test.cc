// The layouts against bytes seen on the wire between Linux' siw and a target.
#include "wire/ddp.h"

#include <gtest/gtest.h>

#include <array>

#include "wire/mpa.h"
#include "wire/rdmap.h"

namespace srpd::wire {
namespace {

template <std::size_t N>
std::span<const std::byte> bytes(const std::array<std::uint8_t, N>& data) {
  return std::as_bytes(std::span(data));
}

TEST(Ddp, TaggedWrite) {
  constexpr std::array<std::uint8_t, 16> data{0x05, 0x8a, 0x81, 0x40, 0x23, 0x41, 0x4b, 0x24,
                                              0xff, 0x39, 0x5f, 0x20, 0xc3, 0x32, 0xf5, 0x7c};
  const auto* header = view<ddp::Tagged>(bytes(data));
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(header->start.ulpdu_length, ddp::tagged_ulpdu + 1404);
  EXPECT_EQ(header->start.ddp_control, ddp::control_tagged | ddp::version);
  EXPECT_EQ(header->start.rdmap_control,
            rdmap::version_bits | static_cast<std::uint8_t>(rdmap::Opcode::write));
  EXPECT_EQ(header->stag, 0x23414b24u);
  EXPECT_EQ(header->offset, 0xff395f20c332f57cu);
}

TEST(Ddp, ReadRequest) {
  constexpr std::array<std::uint8_t, 48> data{
      0x00, 0x2e, 0x41, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
      0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x7c, 0xac, 0x01,
      0xff, 0x39, 0x5f, 0x20, 0xe1, 0x56, 0xb0, 0x00, 0x00, 0x00, 0x40, 0x00,
      0x23, 0x41, 0x4b, 0x26, 0xff, 0x39, 0x5f, 0x20, 0xc3, 0x1e, 0xe0, 0x00};
  const auto* request = view<rdmap::ReadRequest>(bytes(data));
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(request->header.start.ulpdu_length, sizeof(rdmap::ReadRequest) - mpa::length_field);
  EXPECT_EQ(request->header.queue, rdmap::read_queue);
  EXPECT_EQ(request->header.msn, 1u);
  EXPECT_EQ(request->sink_stag, 0x0e7cac01u);
  EXPECT_EQ(request->size, 0x4000u);
  EXPECT_EQ(request->source_stag, 0x23414b26u);
  EXPECT_EQ(request->source_offset, 0xff395f20c31ee000u);
}

TEST(Mpa, PadAlignsTheFpdu) {
  for (std::uint32_t ulpdu = 14; ulpdu <= mpa::max_ulpdu; ulpdu += 7) {
    EXPECT_LT(mpa::pad_of(ulpdu), 4u);
    EXPECT_EQ(mpa::fpdu_size(ulpdu) % 4, 0u) << ulpdu;
  }
  EXPECT_EQ(mpa::pad_of(46), 0u);
  EXPECT_EQ(mpa::pad_of(47), 3u);
}

TEST(Rdmap, Opcodes) {
  EXPECT_TRUE(rdmap::is_tagged(rdmap::Opcode::read_response));
  EXPECT_FALSE(rdmap::is_tagged(rdmap::Opcode::read_request));
  EXPECT_TRUE(rdmap::is_send(rdmap::Opcode::send_solicited_invalidate));
  EXPECT_FALSE(rdmap::is_send(rdmap::Opcode::terminate));
  EXPECT_TRUE(rdmap::invalidates(rdmap::Opcode::send_invalidate));
  EXPECT_FALSE(rdmap::invalidates(rdmap::Opcode::send_solicited));
  EXPECT_EQ(rdmap::layer_of(rdmap::ErrorCode::mpa_no_common_rtr), rdmap::Layer::llp);
}

}  // namespace
}  // namespace srpd::wire
