#include "srp/login.h"

#include <cstring>

namespace srpd::srp {
namespace {

using wire::srp::Opcode;

template <class Layout>
std::optional<LoginRequest> parse(std::span<const std::byte> private_data) {
  const auto* iu = wire::view<Layout>(private_data);
  if (iu == nullptr || iu->opcode != Opcode::login_req) return std::nullopt;
  LoginRequest request;
  request.tag = iu->tag;
  request.max_iu = iu->req_it_iu_len;
  request.formats = iu->req_buf_fmt;
  request.flags = iu->req_flags;
  request.immediate_offset = iu->immediate_offset;
  std::memcpy(request.initiator.data(), iu->initiator_port_id, request.initiator.size());
  std::memcpy(request.target.data(), iu->target_port_id, request.target.size());
  return request;
}

template <class Layout>
Layout build(const LoginRequest& request) {
  Layout iu{};
  iu.opcode = Opcode::login_req;
  iu.tag = request.tag;
  iu.req_it_iu_len = request.max_iu;
  iu.req_buf_fmt = request.formats;
  iu.req_flags = request.flags;
  iu.immediate_offset = request.immediate_offset;
  std::memcpy(iu.initiator_port_id, request.initiator.data(), request.initiator.size());
  std::memcpy(iu.target_port_id, request.target.data(), request.target.size());
  return iu;
}

// In the order of LoginFault.
constexpr LoginFaultText fault_texts[] = {
    {LoginReject::unspecified, "nothing is wrong", ""},
    {LoginReject::unspecified, "the private data are not an SRP_LOGIN_REQ",
     "check that the host runs an SRP initiator against this port"},
    {LoginReject::unspecified, "the requested IU length holds no SRP_CMD",
     "raise max_it_iu_size on the host"},
    {LoginReject::iu_length_too_large, "the requested IU length is larger than srp_max_req_size",
     "lower cmd_sg_entries or max_it_iu_size on the host or raise srp_max_req_size here"},
    {LoginReject::unsupported_format,
     "the host requires data buffer formats other than direct and indirect",
     "configure the host to use direct and indirect descriptors"},
    {LoginReject::unspecified,
     "the immediate data offset lies inside the SRP_CMD header or outside the IU",
     "turn immediate data off on the host (use_imm_data=0)"},
    {LoginReject::multi_channel_unsupported, "unknown multi-channel action",
     "use multi-channel action single or multi"},
    {LoginReject::multi_channel_unsupported, "a second channel, but only one per nexus is allowed",
     "set ch_count=1 on the host or allow more channels per nexus here"},
    {LoginReject::channel_limit_reached, "this nexus has as many channels as allowed",
     "lower ch_count on the host or allow more channels per nexus here"},
    {LoginReject::unable_to_associate, "no target port has this identifier",
     "use id_ext and ioc_guid as the target lists them"},
    {LoginReject::unable_to_associate, "the target port is disabled", "enable the target port"},
    {LoginReject::unable_to_associate, "no ACL names this initiator",
     "add an ACL for its address or its initiator port id"},
    {LoginReject::insufficient_resources, "too many sessions",
     "end unused sessions or raise the limit"},
    {LoginReject::insufficient_resources, "not enough memory for another session",
     "end unused sessions or give the daemon more memory"},
    {LoginReject::unable_to_associate, "a newer login of the same nexus replaced this one",
     "give each host its own initiator_ext if this was not the same host"},
    {LoginReject::insufficient_resources, "the target is shutting down", "try again later"},
};
static_assert(std::size(fault_texts) == static_cast<std::size_t>(LoginFault::shutting_down) + 1);

}  // namespace

std::optional<LoginRequest> parse_login_rdma(std::span<const std::byte> private_data) {
  return parse<wire::srp::LoginReqRdma>(private_data);
}
std::optional<LoginRequest> parse_login_ib(std::span<const std::byte> private_data) {
  return parse<wire::srp::LoginReqIb>(private_data);
}
wire::srp::LoginReqRdma build_login_rdma(const LoginRequest& request) {
  return build<wire::srp::LoginReqRdma>(request);
}
wire::srp::LoginReqIb build_login_ib(const LoginRequest& request) {
  return build<wire::srp::LoginReqIb>(request);
}

wire::srp::LoginRsp build_login_rsp(const LoginResponse& response) {
  wire::srp::LoginRsp iu{};
  iu.opcode = Opcode::login_rsp;
  iu.req_lim_delta = static_cast<std::uint32_t>(response.req_lim_delta);
  iu.tag = response.tag;
  iu.max_it_iu_len = response.max_initiator_iu;
  iu.max_ti_iu_len = response.max_target_iu;
  iu.buf_fmt = response.formats;
  iu.rsp_flags = response.flags;
  return iu;
}

std::optional<LoginResponse> parse_login_rsp(std::span<const std::byte> private_data) {
  const auto* iu = wire::view<wire::srp::LoginRsp>(private_data);
  if (iu == nullptr || iu->opcode != Opcode::login_rsp) return std::nullopt;
  return LoginResponse{iu->tag,           static_cast<std::int32_t>(iu->req_lim_delta.value()),
                       iu->max_it_iu_len, iu->max_ti_iu_len,
                       iu->buf_fmt,       iu->rsp_flags};
}

wire::srp::LoginRej build_login_rej(const LoginRejection& rejection) {
  wire::srp::LoginRej iu{};
  iu.opcode = Opcode::login_rej;
  iu.reason = static_cast<std::uint32_t>(rejection.reason);
  iu.tag = rejection.tag;
  iu.buf_fmt = wire::srp::direct_supported | wire::srp::indirect_supported;
  return iu;
}

std::optional<LoginRejection> parse_login_rej(std::span<const std::byte> private_data) {
  const auto* iu = wire::view<wire::srp::LoginRej>(private_data);
  if (iu == nullptr || iu->opcode != Opcode::login_rej) return std::nullopt;
  return LoginRejection{iu->tag, static_cast<LoginReject>(iu->reason.value())};
}

const LoginFaultText& describe(LoginFault fault) {
  return fault_texts[static_cast<std::size_t>(fault)];
}

const char* name(LoginReject reason) {
  switch (reason) {
    case LoginReject::unspecified:
      return "UNABLE TO ESTABLISH RDMA CHANNEL, NO REASON SPECIFIED";
    case LoginReject::insufficient_resources:
      return "INSUFFICIENT RDMA CHANNEL RESOURCES";
    case LoginReject::iu_length_too_large:
      return "REQUESTED MAXIMUM INITIATOR TO TARGET IU LENGTH VALUE TOO LARGE";
    case LoginReject::unable_to_associate:
      return "UNABLE TO ASSOCIATE RDMA CHANNEL WITH SPECIFIED I_T NEXUS";
    case LoginReject::unsupported_format:
      return "UNSUPPORTED DATA BUFFER DESCRIPTOR FORMAT";
    case LoginReject::multi_channel_unsupported:
      return "NO TARGET SUPPORT FOR MULTIPLE RDMA CHANNELS PER I_T NEXUS";
    case LoginReject::channel_limit_reached:
      return "RDMA CHANNEL LIMIT REACHED FOR THIS INITIATOR";
  }
  return "UNKNOWN REASON";
}

LoginFault check_login(const LoginRequest& request, const LoginPolicy& policy) {
  using namespace wire::srp;  // NOLINT: names of bits
  if (request.max_iu < min_initiator_iu) return LoginFault::iu_too_small;
  if (request.max_iu > policy.max_iu) return LoginFault::iu_too_large;
  if ((request.formats & ~(direct_supported | indirect_supported)) != 0)
    return LoginFault::unsupported_format;
  if ((request.flags & multi_channel_action_mask) > multi_channel_multi)
    return LoginFault::unknown_channel_action;
  // Not granted, the offset does not matter.
  if (grants_immediate(request, policy) &&
      (request.immediate_offset < sizeof(Cmd) + sizeof(ImmediateDescriptor) ||
       request.immediate_offset >= request.max_iu))
    return LoginFault::bad_immediate_offset;
  return LoginFault::ok;
}

bool grants_immediate(const LoginRequest& request, const LoginPolicy& policy) {
  return policy.immediate_data && (request.flags & wire::srp::immediate_requested) != 0;
}

}  // namespace srpd::srp
