// Information units after login, for both ends: parse into views of the received bytes, build into
// a caller's buffer (SRP r16a 6). Pure. A parser returns nothing when the IU is too short for what
// it says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "srp/descriptors.h"
#include "wire/srp.h"

namespace srpd::srp {

using wire::srp::Opcode;
using wire::srp::Tag;

/// The first byte; nothing when there is none.
inline std::optional<Opcode> opcode_of(std::span<const std::byte> iu) {
  if (iu.empty()) return std::nullopt;
  return static_cast<Opcode>(iu[0]);
}

// SRP_CMD

struct Command {
  std::uint8_t sol_not = 0;
  Tag tag{};
  std::uint64_t lun = 0;  ///< the eight bytes as a big-endian integer
  std::uint8_t task_attribute = 0;
  std::span<const std::byte> cdb;  ///< 16 bytes and the additional CDB
  DataBuffer data_out;
  DataBuffer data_in;
};

/// `immediate_offset`: as agreed in the login, 0 when immediate data were not. Unless the fault is
/// header_too_short, `tag`, `lun`, `sol_not` and `task_attribute` are set even when it is not ok.
CmdFault parse_cmd(std::span<const std::byte> iu, std::uint32_t immediate_offset, Command& command);

struct CommandSpec {
  std::uint8_t sol_not = 0;
  Tag tag{};
  std::uint64_t lun = 0;
  std::uint8_t task_attribute = 0;
  std::span<const std::byte> cdb;  ///< 6 .. 268 bytes; padded with zero to 16 and to 4 above
  DataBufferSpec data_out;
  DataBufferSpec data_in;
  /// Format::immediate for data-out: where the data go, and the data (copied).
  std::uint32_t immediate_offset = 0;
  std::span<const std::byte> immediate;
};

/// Longest CDB that SRP_CMD can carry.
inline constexpr std::size_t max_cdb_length = 16 + wire::srp::additional_cdb_mask;

/// Bytes that build_cmd() writes.
std::size_t cmd_size(const CommandSpec& spec);
/// The length, or 0 when `out` or a field of the format is too small. Bytes between descriptors and
/// immediate data are zero.
std::size_t build_cmd(const CommandSpec& spec, std::span<std::byte> out);

// SRP_RSP

/// Difference between what a command moved and the buffer it was given, as SRP_RSP tells it.
struct Residual {
  std::uint8_t flags = 0;  ///< doover .. diunder
  std::uint32_t data_out = 0;
  std::uint32_t data_in = 0;
};

/// One direction: the initiator's buffer, what the command wanted to move with a buffer of any
/// size, and what was moved.
struct Movement {
  std::uint64_t buffer = 0;
  std::uint64_t wanted = 0;
  std::uint64_t moved = 0;
};

/// Underflow where the buffer was not used up, overflow where the command wanted more than it
/// holds.
Residual residual_of(const Movement& data_out, const Movement& data_in);

/// Response code in the response data (r16a table 23).
enum class ResponseCode : std::uint8_t {
  no_failure = 0x00,  ///< or: task management function complete
  request_invalid = 0x02,
  function_not_supported = 0x04,
  function_failed = 0x05,
};

struct Response {
  Tag tag{};
  std::int32_t req_lim_delta = 0;
  bool solicited = false;
  std::uint8_t status = 0;
  Residual residual;
  std::optional<ResponseCode> code;  ///< RSPVALID
  std::span<const std::byte> sense;  ///< SNSVALID when not empty
};

inline constexpr std::size_t rsp_size_max(std::size_t sense) {
  return sizeof(wire::srp::Rsp) + sizeof(wire::srp::ResponseData) + sense;
}

/// The length, or 0 when `out` is too small.
std::size_t build_rsp(const Response& response, std::span<std::byte> out);
std::optional<Response> parse_rsp(std::span<const std::byte> iu);

// SRP_TSK_MGMT

enum class TaskFunction : std::uint8_t {
  abort_task = 0x01,
  abort_task_set = 0x02,
  clear_task_set = 0x04,
  lun_reset = 0x08,
  clear_aca = 0x40,
};

struct TaskManagement {
  std::uint8_t sol_not = 0;
  Tag tag{};
  std::uint64_t lun = 0;
  TaskFunction function{};  ///< as received; may be none of the above
  Tag task_tag{};
};

std::optional<TaskManagement> parse_tsk_mgmt(std::span<const std::byte> iu);
wire::srp::TskMgmt build_tsk_mgmt(const TaskManagement& request);

// Logout, credits, asynchronous events

/// SRP_T_LOGOUT reason codes (r16a table 19).
enum class LogoutReason : std::uint32_t {
  unspecified = 0,
  inactive = 1,
  invalid_iu_type = 2,
  response_without_request = 3,
  multi_channel_action = 4,
  invalid_iu_length = 8,
};

wire::srp::ILogout build_i_logout(Tag tag);
wire::srp::TLogout build_t_logout(LogoutReason reason, bool solicited, Tag tag);
std::optional<LogoutReason> parse_t_logout(std::span<const std::byte> iu);

/// SRP_CRED_REQ and the fixed part of SRP_AER_REQ, as the initiator sees them.
struct CreditRequest {
  Tag tag{};
  std::int32_t req_lim_delta = 0;
  bool solicited = false;
};
wire::srp::CredReq build_cred_req(const CreditRequest& request);
std::optional<CreditRequest> parse_cred_req(std::span<const std::byte> iu);
wire::srp::CredRsp build_cred_rsp(Tag tag);

struct AsyncEvent {
  Tag tag{};
  std::int32_t req_lim_delta = 0;
  bool solicited = false;
  std::uint64_t lun = 0;
  std::span<const std::byte> sense;
};
/// The length, or 0 when `out` is too small.
std::size_t build_aer_req(const AsyncEvent& event, std::span<std::byte> out);
std::optional<AsyncEvent> parse_aer_req(std::span<const std::byte> iu);
wire::srp::AerRsp build_aer_rsp(Tag tag);

/// The tag of an SRP_I_LOGOUT, SRP_CRED_RSP or SRP_AER_RSP, which all have 16 bytes.
std::optional<Tag> parse_short(std::span<const std::byte> iu);

}  // namespace srpd::srp
