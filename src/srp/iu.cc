#include "srp/iu.h"

#include <algorithm>
#include <cstring>

namespace srpd::srp {
namespace {

using namespace wire::srp;  // NOLINT: this file is about these layouts

std::size_t additional_cdb_length(std::size_t cdb_length) {
  return cdb_length <= sizeof(Cmd::cdb) ? 0 : (cdb_length - sizeof(Cmd::cdb) + 3) / 4 * 4;
}

// The data are at a fixed place, whatever lies between (SRP-2 draft; Linux leaves old bytes there).
CmdFault place_immediate(std::span<const std::byte> iu, std::size_t descriptors_end,
                         std::uint32_t offset, DataBuffer& buffer) {
  if (offset < descriptors_end) return CmdFault::immediate_position;
  if (offset > iu.size() || buffer.length > iu.size() - offset) return CmdFault::too_short;
  buffer.immediate = iu.subspan(offset, buffer.length);
  return CmdFault::ok;
}

// SIMPLE, HEAD OF QUEUE, ORDERED, ACA (r16a table 22).
bool is_task_attribute(std::uint8_t value) { return value <= 2 || value == 4; }

std::uint32_t clamp32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

std::uint32_t difference(const Movement& movement, std::uint8_t over, std::uint8_t under,
                         std::uint8_t& flags) {
  if (movement.moved < movement.buffer) {
    flags = static_cast<std::uint8_t>(flags | under);
    return clamp32(movement.buffer - movement.moved);
  }
  if (movement.wanted > movement.buffer) {
    flags = static_cast<std::uint8_t>(flags | over);
    return clamp32(movement.wanted - movement.buffer);
  }
  return 0;
}

std::int32_t to_signed(std::uint32_t value) { return static_cast<std::int32_t>(value); }
std::uint32_t to_unsigned(std::int32_t value) { return static_cast<std::uint32_t>(value); }
std::uint8_t solicited_bit(bool solicited) { return solicited ? solnt : std::uint8_t{0}; }

}  // namespace

CmdFault parse_cmd(std::span<const std::byte> iu, std::uint32_t immediate_offset,
                   Command& command) {
  const auto* cmd = wire::view<Cmd>(iu);
  if (cmd == nullptr) return CmdFault::header_too_short;
  command.sol_not = cmd->sol_not;
  command.tag = cmd->tag;
  command.lun = cmd->lun;
  command.task_attribute = cmd->task_attribute & task_attribute_mask;

  const std::size_t cdb_length =
      sizeof(Cmd::cdb) + (cmd->additional_cdb_length & additional_cdb_mask);
  if (iu.size() - offsetof(Cmd, cdb) < cdb_length) return CmdFault::too_short;
  command.cdb = iu.subspan(offsetof(Cmd, cdb), cdb_length);

  const auto out = static_cast<Format>(cmd->buf_fmt >> 4);
  const auto in = static_cast<Format>(cmd->buf_fmt & 0x0f);
  // Immediate data go one way, and only where both ends agreed.
  if (in == Format::immediate || (out == Format::immediate && immediate_offset == 0))
    return CmdFault::unknown_format;

  auto rest = iu.subspan(offsetof(Cmd, cdb) + cdb_length);
  CmdFault fault = parse_descriptor(out, cmd->data_out_count, rest, command.data_out);
  if (fault == CmdFault::ok)
    fault = parse_descriptor(in, cmd->data_in_count, rest, command.data_in);
  if (fault == CmdFault::ok && !is_task_attribute(command.task_attribute))
    fault = CmdFault::task_attribute;
  if (fault == CmdFault::ok && out == Format::immediate)
    fault = place_immediate(iu, iu.size() - rest.size(), immediate_offset, command.data_out);
  return fault;
}

std::size_t cmd_size(const CommandSpec& spec) {
  const std::size_t end = sizeof(Cmd) + additional_cdb_length(spec.cdb.size()) +
                          descriptor_size(spec.data_out) + descriptor_size(spec.data_in);
  return spec.data_out.format == Format::immediate ? spec.immediate_offset + spec.immediate.size()
                                                   : end;
}

std::size_t build_cmd(const CommandSpec& spec, std::span<std::byte> out) {
  const std::size_t size = cmd_size(spec);
  const std::size_t additional = additional_cdb_length(spec.cdb.size());
  const std::size_t descriptors_end =
      sizeof(Cmd) + additional + descriptor_size(spec.data_out) + descriptor_size(spec.data_in);
  if (size > out.size() || size < descriptors_end || spec.cdb.size() > max_cdb_length ||
      spec.data_out.descriptors.size() > UINT8_MAX || spec.data_in.descriptors.size() > UINT8_MAX)
    return 0;

  std::memset(out.data(), 0, descriptors_end);
  auto& cmd = *wire::view_mut<Cmd>(out);
  cmd.opcode = Opcode::cmd;
  cmd.sol_not = spec.sol_not;
  cmd.buf_fmt = static_cast<std::uint8_t>(static_cast<unsigned>(spec.data_out.format) << 4 |
                                          static_cast<unsigned>(spec.data_in.format));
  // Direct descriptors leave the counts zero.
  if (spec.data_out.format == Format::indirect)
    cmd.data_out_count = static_cast<std::uint8_t>(spec.data_out.descriptors.size());
  if (spec.data_in.format == Format::indirect)
    cmd.data_in_count = static_cast<std::uint8_t>(spec.data_in.descriptors.size());
  cmd.tag = spec.tag;
  cmd.lun = spec.lun;
  cmd.task_attribute = spec.task_attribute & task_attribute_mask;
  cmd.additional_cdb_length = static_cast<std::uint8_t>(additional);
  std::memcpy(out.data() + offsetof(Cmd, cdb), spec.cdb.data(), spec.cdb.size());

  std::byte* at = out.data() + sizeof(Cmd) + additional;
  build_descriptor(spec.data_out, at);
  build_descriptor(spec.data_in, at + descriptor_size(spec.data_out));
  if (spec.data_out.format == Format::immediate) {
    std::memset(out.data() + descriptors_end, 0, spec.immediate_offset - descriptors_end);
    if (!spec.immediate.empty())
      std::memcpy(out.data() + spec.immediate_offset, spec.immediate.data(), spec.immediate.size());
  }
  return size;
}

Residual residual_of(const Movement& data_out, const Movement& data_in) {
  Residual residual;
  residual.data_out = difference(data_out, doover, dounder, residual.flags);
  residual.data_in = difference(data_in, diover, diunder, residual.flags);
  return residual;
}

std::size_t build_rsp(const Response& response, std::span<std::byte> out) {
  const std::size_t code_size = response.code ? sizeof(ResponseData) : 0;
  const std::size_t size = sizeof(Rsp) + code_size + response.sense.size();
  if (out.size() < size) return 0;
  auto& rsp = *wire::view_mut<Rsp>(out);
  rsp = {};
  rsp.opcode = Opcode::rsp;
  rsp.sol_not = solicited_bit(response.solicited);
  rsp.req_lim_delta = to_unsigned(response.req_lim_delta);
  rsp.tag = response.tag;
  rsp.flags = response.residual.flags;
  rsp.status = response.status;
  rsp.data_out_residual = response.residual.data_out;
  rsp.data_in_residual = response.residual.data_in;
  std::byte* at = out.data() + sizeof(Rsp);
  if (response.code) {
    const ResponseData data{{}, static_cast<std::uint8_t>(*response.code)};
    std::memcpy(at, &data, sizeof data);
    rsp.flags = static_cast<std::uint8_t>(rsp.flags | rspvalid);
    rsp.response_length = sizeof data;
    at += sizeof data;
  }
  if (!response.sense.empty()) {
    std::memcpy(at, response.sense.data(), response.sense.size());
    rsp.flags = static_cast<std::uint8_t>(rsp.flags | snsvalid);
    rsp.sense_length = static_cast<std::uint32_t>(response.sense.size());
  }
  return size;
}

std::optional<Response> parse_rsp(std::span<const std::byte> iu) {
  const auto* rsp = wire::view<Rsp>(iu);
  if (rsp == nullptr || rsp->opcode != Opcode::rsp) return std::nullopt;
  // A length counts only where its valid bit is set.
  const std::uint32_t code_length = (rsp->flags & rspvalid) != 0 ? rsp->response_length.value() : 0;
  const std::uint32_t sense_length = (rsp->flags & snsvalid) != 0 ? rsp->sense_length.value() : 0;
  auto rest = iu.subspan(sizeof(Rsp));
  if (rest.size() < code_length || rest.size() - code_length < sense_length) return std::nullopt;

  Response response;
  response.tag = rsp->tag;
  response.req_lim_delta = to_signed(rsp->req_lim_delta);
  response.solicited = (rsp->sol_not & solnt) != 0;
  response.status = rsp->status;
  response.residual.flags = rsp->flags & (doover | dounder | diover | diunder);
  response.residual.data_out = rsp->data_out_residual;
  response.residual.data_in = rsp->data_in_residual;
  if (const auto* data = wire::view<ResponseData>(rest.first(code_length)))
    response.code = static_cast<ResponseCode>(data->code);
  response.sense = rest.subspan(code_length, sense_length);
  return response;
}

std::optional<TaskManagement> parse_tsk_mgmt(std::span<const std::byte> iu) {
  const auto* request = wire::view<TskMgmt>(iu);
  if (request == nullptr || request->opcode != Opcode::tsk_mgmt) return std::nullopt;
  return TaskManagement{request->sol_not, request->tag, request->lun,
                        static_cast<TaskFunction>(request->function), request->task_tag};
}

TskMgmt build_tsk_mgmt(const TaskManagement& request) {
  TskMgmt iu{};
  iu.opcode = Opcode::tsk_mgmt;
  iu.sol_not = request.sol_not;
  iu.tag = request.tag;
  iu.lun = request.lun;
  iu.function = static_cast<std::uint8_t>(request.function);
  iu.task_tag = request.task_tag;
  return iu;
}

ILogout build_i_logout(Tag tag) { return {Opcode::i_logout, {}, tag}; }

TLogout build_t_logout(LogoutReason reason, bool solicited, Tag tag) {
  return {Opcode::t_logout, solicited_bit(solicited), {}, static_cast<std::uint32_t>(reason), tag};
}

std::optional<LogoutReason> parse_t_logout(std::span<const std::byte> iu) {
  const auto* logout = wire::view<TLogout>(iu);
  if (logout == nullptr || logout->opcode != Opcode::t_logout) return std::nullopt;
  return static_cast<LogoutReason>(logout->reason.value());
}

CredReq build_cred_req(const CreditRequest& request) {
  return {Opcode::cred_req,
          solicited_bit(request.solicited),
          {},
          to_unsigned(request.req_lim_delta),
          request.tag};
}

std::optional<CreditRequest> parse_cred_req(std::span<const std::byte> iu) {
  const auto* request = wire::view<CredReq>(iu);
  if (request == nullptr || request->opcode != Opcode::cred_req) return std::nullopt;
  return CreditRequest{request->tag, to_signed(request->req_lim_delta),
                       (request->sol_not & solnt) != 0};
}

CredRsp build_cred_rsp(Tag tag) { return {Opcode::cred_rsp, {}, tag}; }

std::size_t build_aer_req(const AsyncEvent& event, std::span<std::byte> out) {
  const std::size_t size = sizeof(AerReq) + event.sense.size();
  if (out.size() < size) return 0;
  auto& request = *wire::view_mut<AerReq>(out);
  request = {};
  request.opcode = Opcode::aer_req;
  request.sol_not = solicited_bit(event.solicited);
  request.req_lim_delta = to_unsigned(event.req_lim_delta);
  request.tag = event.tag;
  request.lun = event.lun;
  request.sense_length = static_cast<std::uint32_t>(event.sense.size());
  if (!event.sense.empty())
    std::memcpy(out.data() + sizeof(AerReq), event.sense.data(), event.sense.size());
  return size;
}

std::optional<AsyncEvent> parse_aer_req(std::span<const std::byte> iu) {
  const auto* request = wire::view<AerReq>(iu);
  if (request == nullptr || request->opcode != Opcode::aer_req) return std::nullopt;
  const auto rest = iu.subspan(sizeof(AerReq));
  if (rest.size() < request->sense_length) return std::nullopt;
  return AsyncEvent{request->tag, to_signed(request->req_lim_delta),
                    (request->sol_not & solnt) != 0, request->lun,
                    rest.first(request->sense_length)};
}

AerRsp build_aer_rsp(Tag tag) { return {Opcode::aer_rsp, {}, tag}; }

std::optional<Tag> parse_short(std::span<const std::byte> iu) {
  const auto* any = wire::view<CredRsp>(iu);
  if (any == nullptr) return std::nullopt;
  return any->tag;
}

}  // namespace srpd::srp
