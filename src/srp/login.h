// Login (SRP r16a 5.4, 6.2 to 6.4): the request in both its forms, response and rejection, and the
// rules that need no state. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/srp.h"

namespace srpd::srp {

/// Identifier extension (8 bytes) and GUID (8 bytes).
using PortId = std::array<std::byte, 16>;

struct LoginRequest {
  wire::srp::Tag tag{};
  std::uint32_t max_iu = 0;  ///< requested maximum initiator-to-target IU length
  std::uint16_t formats = wire::srp::direct_supported | wire::srp::indirect_supported;
  std::uint8_t flags = 0;  ///< multi-channel action, solicited notification, immediate data
  std::uint16_t immediate_offset = 0;
  PortId initiator{};
  PortId target{};
};

/// Private data of RDMA/CM (56 bytes). Nothing when it is shorter or no SRP_LOGIN_REQ; transports
/// may deliver padding behind it.
std::optional<LoginRequest> parse_login_rdma(std::span<const std::byte> private_data);
/// Private data of the InfiniBand CM (64 bytes).
std::optional<LoginRequest> parse_login_ib(std::span<const std::byte> private_data);
wire::srp::LoginReqRdma build_login_rdma(const LoginRequest& request);
wire::srp::LoginReqIb build_login_ib(const LoginRequest& request);

struct LoginResponse {
  wire::srp::Tag tag{};
  std::int32_t req_lim_delta = 0;      ///< initial credits
  std::uint32_t max_initiator_iu = 0;  ///< initiator to target
  std::uint32_t max_target_iu = 0;     ///< target to initiator
  std::uint16_t formats = wire::srp::direct_supported | wire::srp::indirect_supported;
  std::uint8_t flags = 0;  ///< multi-channel result, solicited notification, immediate data
};
wire::srp::LoginRsp build_login_rsp(const LoginResponse& response);
std::optional<LoginResponse> parse_login_rsp(std::span<const std::byte> private_data);

/// SRP_LOGIN_REJ reason codes (r16a table 13).
enum class LoginReject : std::uint32_t {
  unspecified = 0x00010000,
  insufficient_resources = 0x00010001,
  iu_length_too_large = 0x00010002,
  unable_to_associate = 0x00010003,
  unsupported_format = 0x00010004,
  multi_channel_unsupported = 0x00010005,
  channel_limit_reached = 0x00010006,
};

struct LoginRejection {
  wire::srp::Tag tag{};
  LoginReject reason = LoginReject::unspecified;
};
wire::srp::LoginRej build_login_rej(const LoginRejection& rejection);
std::optional<LoginRejection> parse_login_rej(std::span<const std::byte> private_data);

/// Everything that can be wrong with a login, one cause each.
enum class LoginFault : std::uint8_t {
  ok,
  malformed,               ///< not an SRP_LOGIN_REQ
  iu_too_small,            ///< no SRP_CMD fits
  iu_too_large,            ///< larger than the target can receive
  unsupported_format,      ///< asks for other formats than direct and indirect
  bad_immediate_offset,    ///< inside the fixed part of SRP_CMD or outside the IU
  unknown_channel_action,  ///< neither single nor multi
  multi_channel_disabled,  ///< a second channel where one is configured
  too_many_channels,
  unknown_target_port,  ///< id_ext and ioc_guid name no port here
  port_disabled,
  no_acl,  ///< closed by default
  no_session_left,
  no_memory,
  superseded,  ///< a newer login of the same nexus came while this one waited
  shutting_down,
};

/// What the initiator is told, and what the administrator is: cause and remedy, no punctuation at
/// the end.
struct LoginFaultText {
  LoginReject reason;
  const char* cause;
  const char* remedy;
};
const LoginFaultText& describe(LoginFault fault);
/// The standard's name: "UNABLE TO ASSOCIATE RDMA CHANNEL WITH SPECIFIED I_T NEXUS".
const char* name(LoginReject reason);

/// What the target offers, as far as it matters before any state.
struct LoginPolicy {
  std::uint32_t max_iu = 65536;  ///< longest initiator-to-target IU that can be received
  bool immediate_data = true;
};

/// The rules that need nothing but the request.
LoginFault check_login(const LoginRequest& request, const LoginPolicy& policy);
/// True when immediate data are agreed on with a request that check_login() let pass.
bool grants_immediate(const LoginRequest& request, const LoginPolicy& policy);

/// Longest IU the target sends: SRP_RSP with response data and sense, or SRP_AER_REQ with sense.
/// The initiator's receive buffers get this size.
inline constexpr std::uint32_t max_target_iu = 256;

/// The smallest initiator-to-target IU: SRP_CMD with one direct descriptor.
inline constexpr std::uint32_t min_initiator_iu =
    sizeof(wire::srp::Cmd) + sizeof(wire::srp::MemoryDescriptor);

}  // namespace srpd::srp
