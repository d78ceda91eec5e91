// Login codecs against captured private data, and every rule that needs no state.
#include "srp/login.h"

#include <gtest/gtest.h>

#include "support/hex.h"

namespace srpd::srp {
namespace {

using test::hex;
using test::to_hex;

// Linux ib_srp over iWARP, defaults.
const auto linux_login =
    hex("0000000000000000 0006 80 00 00002044 00000000000000000000000000000000"
        "dcea7bfffee29672dcea7bfffee29672 0044 000000000000");

TEST(LoginRequest, RdmaForm) {
  const auto request = parse_login_rdma(linux_login);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->max_iu, 8260u);
  EXPECT_EQ(request->formats, 6);
  EXPECT_EQ(request->flags, 0x80);
  EXPECT_EQ(request->immediate_offset, 68);
  EXPECT_EQ(request->initiator, PortId{});
  EXPECT_EQ(to_hex(request->target), "dcea7bfffee29672dcea7bfffee29672");
  EXPECT_EQ(to_hex(wire::bytes_of(build_login_rdma(*request))), to_hex(linux_login));
}

TEST(LoginRequest, InfinibandForm) {
  const auto request = parse_login_rdma(linux_login);
  ASSERT_TRUE(request);
  const auto iu = build_login_ib(*request);
  EXPECT_EQ(to_hex(wire::bytes_of(iu)),
            to_hex(hex("0000000000000000 0000000000000000 00002044 00000000 0006 80 00 0044 0000"
                       "00000000000000000000000000000000 dcea7bfffee29672dcea7bfffee29672")));
  const auto again = parse_login_ib(wire::bytes_of(iu));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->target, request->target);
  EXPECT_EQ(again->max_iu, 8260u);
}

TEST(LoginRequest, WrongSizeOrOpcode) {
  const std::span<const std::byte> bytes(linux_login);
  EXPECT_FALSE(parse_login_rdma({}));
  EXPECT_FALSE(parse_login_rdma(bytes.first(55)));
  EXPECT_FALSE(parse_login_ib(bytes));
  auto other = linux_login;
  other[11] = std::byte{2};
  EXPECT_FALSE(parse_login_rdma(other));
  auto padded = linux_login;
  padded.resize(92);
  EXPECT_TRUE(parse_login_rdma(padded));
}

TEST(LoginResponse, AsTheKernelTargetAnswers) {
  LoginResponse response;
  response.req_lim_delta = 128;
  response.max_initiator_iu = 8260;
  response.max_target_iu = 8260;
  response.flags = wire::srp::immediate_supported;
  const auto expected =
      hex("c0000000 00000080 0000000000000000 00002044 00002044 0006 80"
          "00000000000000000000000000000000000000000000000000");
  EXPECT_EQ(to_hex(wire::bytes_of(build_login_rsp(response))), to_hex(expected));
  const auto parsed = parse_login_rsp(expected);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->req_lim_delta, 128);
  EXPECT_EQ(parsed->max_initiator_iu, 8260u);
  EXPECT_FALSE(parse_login_rsp(std::span(expected).first(51)));
}

TEST(LoginRejection, AsTheKernelTargetAnswers) {
  const auto expected =
      hex("c2000000 00010003 0000000000000000 0000000000000000 0006 000000000000");
  EXPECT_EQ(to_hex(wire::bytes_of(build_login_rej({{}, LoginReject::unable_to_associate}))),
            to_hex(expected));
  const auto parsed = parse_login_rej(expected);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->reason, LoginReject::unable_to_associate);
  EXPECT_FALSE(parse_login_rej(std::span(expected).first(31)));
  EXPECT_FALSE(parse_login_rsp(expected));
}

class Rules : public testing::Test {
 protected:
  LoginRequest request = *parse_login_rdma(linux_login);
  LoginPolicy policy;
};

TEST_F(Rules, DefaultsPass) {
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
  EXPECT_TRUE(grants_immediate(request, policy));
}

TEST_F(Rules, IuLength) {
  request.flags = 0;
  request.max_iu = policy.max_iu + 1;
  EXPECT_EQ(check_login(request, policy), LoginFault::iu_too_large);
  request.max_iu = policy.max_iu;
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
  request.max_iu = 64;
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
  request.max_iu = 63;
  EXPECT_EQ(check_login(request, policy), LoginFault::iu_too_small);
}

TEST_F(Rules, Formats) {
  request.formats = 0x0008;
  EXPECT_EQ(check_login(request, policy), LoginFault::unsupported_format);
  request.formats = 0x0002;
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
}

TEST_F(Rules, ImmediateOffset) {
  for (const std::uint16_t bad : std::initializer_list<std::uint16_t>{0, 51, 8260, 65535}) {
    request.immediate_offset = bad;
    EXPECT_EQ(check_login(request, policy), LoginFault::bad_immediate_offset) << bad;
  }
  policy.immediate_data = false;
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
  EXPECT_FALSE(grants_immediate(request, policy));
}

TEST_F(Rules, ChannelAction) {
  request.flags = 0x81;
  EXPECT_EQ(check_login(request, policy), LoginFault::ok);
  request.flags = 0x82;
  EXPECT_EQ(check_login(request, policy), LoginFault::unknown_channel_action);
}

TEST(LoginFaultText, EachNamesReasonCauseAndRemedy) {
  for (int i = 1; i <= static_cast<int>(LoginFault::shutting_down); ++i) {
    const auto& text = describe(static_cast<LoginFault>(i));
    EXPECT_GE(static_cast<std::uint32_t>(text.reason), 0x00010000u);
    EXPECT_LE(static_cast<std::uint32_t>(text.reason), 0x00010006u);
    EXPECT_STRNE(text.cause, "");
    EXPECT_STRNE(text.remedy, "");
    EXPECT_STRNE(name(text.reason), "UNKNOWN REASON");
  }
}

TEST(LoginFaultText, EveryReasonOfTheStandardIsUsed) {
  for (std::uint32_t reason = 0x00010000; reason <= 0x00010006; ++reason) {
    bool used = false;
    for (int i = 1; i <= static_cast<int>(LoginFault::shutting_down); ++i)
      used |= static_cast<std::uint32_t>(describe(static_cast<LoginFault>(i)).reason) == reason;
    EXPECT_TRUE(used) << std::hex << reason;
  }
}

}  // namespace
}  // namespace srpd::srp
