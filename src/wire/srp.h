// SRP information units (IUs) as they stand on the wire: T10 SRP r16a clause 6, and the immediate
// data extension of SRP-2 that Linux speaks. Layouts and named bits only; the rules are in src/srp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "wire/endian.h"

namespace srpd::wire::srp {

/// First byte of every IU.
enum class Opcode : std::uint8_t {
  login_req = 0x00,
  tsk_mgmt = 0x01,
  cmd = 0x02,
  i_logout = 0x03,
  cred_rsp = 0x41,
  aer_rsp = 0x42,
  t_logout = 0x80,
  cred_req = 0x81,
  aer_req = 0x82,
  login_rsp = 0xc0,
  rsp = 0xc1,
  login_rej = 0xc2,
};

/// Tags are opaque: copied, never swapped. The integer below is for keeping and comparing only.
struct Tag {
  std::uint8_t bytes[8];

  friend bool operator==(const Tag&, const Tag&) = default;
};

inline std::uint64_t to_integer(const Tag& tag) {
  std::uint64_t value = 0;
  std::memcpy(&value, tag.bytes, sizeof value);
  return value;
}
inline Tag to_tag(std::uint64_t value) {
  Tag tag;
  std::memcpy(tag.bytes, &value, sizeof value);
  return tag;
}

// Bits of sol_not. Requests say when they want a solicited notification; answers and target
// requests say whether they are one.
inline constexpr std::uint8_t scsolnt = 0x02;  ///< SRP_CMD, SRP_TSK_MGMT: successful completion
inline constexpr std::uint8_t ucsolnt = 0x04;  ///< SRP_CMD, SRP_TSK_MGMT: unsuccessful completion
inline constexpr std::uint8_t solnt = 0x01;    ///< set in what the target sends

// Data buffer descriptor formats: bits of the login's buffer formats.
inline constexpr std::uint16_t direct_supported = 0x0002;
inline constexpr std::uint16_t indirect_supported = 0x0004;

// Flags of SRP_LOGIN_REQ.
inline constexpr std::uint8_t multi_channel_action_mask = 0x03;
inline constexpr std::uint8_t multi_channel_single = 0;  ///< end the nexus' other channels
inline constexpr std::uint8_t multi_channel_multi = 1;   ///< keep them
inline constexpr std::uint8_t logout_solnt = 0x10;
inline constexpr std::uint8_t cred_req_solnt = 0x20;
inline constexpr std::uint8_t aer_req_solnt = 0x40;
inline constexpr std::uint8_t immediate_requested = 0x80;

// Flags of SRP_LOGIN_RSP.
inline constexpr std::uint8_t multi_channel_none = 0;        ///< there was no other channel
inline constexpr std::uint8_t multi_channel_terminated = 1;  ///< the others were ended
inline constexpr std::uint8_t multi_channel_maintained = 2;  ///< the others were kept
inline constexpr std::uint8_t solnt_supported = 0x10;
inline constexpr std::uint8_t immediate_supported = 0x80;

/// SRP_LOGIN_REQ as private data of the InfiniBand CM.
struct LoginReqIb {
  Opcode opcode;
  std::uint8_t reserved1[7];
  Tag tag;
  be32 req_it_iu_len;
  std::uint8_t reserved2[4];
  be16 req_buf_fmt;
  std::uint8_t req_flags;
  std::uint8_t reserved3;
  be16 immediate_offset;
  std::uint8_t reserved4[2];
  std::byte initiator_port_id[16];
  std::byte target_port_id[16];
};
static_assert(sizeof(LoginReqIb) == 64 && offsetof(LoginReqIb, req_it_iu_len) == 16);
static_assert(offsetof(LoginReqIb, req_buf_fmt) == 24 && offsetof(LoginReqIb, req_flags) == 26);
static_assert(offsetof(LoginReqIb, immediate_offset) == 28);
static_assert(offsetof(LoginReqIb, initiator_port_id) == 32);

/// The same as private data of RDMA/CM (RoCE, iWARP, InfiniBand by address).
struct LoginReqRdma {
  Tag tag;
  be16 req_buf_fmt;
  std::uint8_t req_flags;
  Opcode opcode;
  be32 req_it_iu_len;
  std::byte initiator_port_id[16];
  std::byte target_port_id[16];
  be16 immediate_offset;
  std::uint8_t reserved[6];
};
static_assert(sizeof(LoginReqRdma) == 56 && offsetof(LoginReqRdma, opcode) == 11);
static_assert(offsetof(LoginReqRdma, req_it_iu_len) == 12);
static_assert(offsetof(LoginReqRdma, initiator_port_id) == 16);
static_assert(offsetof(LoginReqRdma, immediate_offset) == 48);

struct LoginRsp {
  Opcode opcode;
  std::uint8_t reserved1[3];
  be32 req_lim_delta;
  Tag tag;
  be32 max_it_iu_len;
  be32 max_ti_iu_len;
  be16 buf_fmt;
  std::uint8_t rsp_flags;
  std::uint8_t reserved2[25];
};
static_assert(sizeof(LoginRsp) == 52 && offsetof(LoginRsp, max_it_iu_len) == 16);
static_assert(offsetof(LoginRsp, max_ti_iu_len) == 20 && offsetof(LoginRsp, rsp_flags) == 26);

struct LoginRej {
  Opcode opcode;
  std::uint8_t reserved1[3];
  be32 reason;
  Tag tag;
  std::uint8_t reserved2[8];
  be16 buf_fmt;
  std::uint8_t reserved3[6];
};
static_assert(sizeof(LoginRej) == 32 && offsetof(LoginRej, reason) == 4);
static_assert(offsetof(LoginRej, tag) == 8 && offsetof(LoginRej, buf_fmt) == 24);

struct ILogout {
  Opcode opcode;
  std::uint8_t reserved[7];
  Tag tag;
};
static_assert(sizeof(ILogout) == 16 && offsetof(ILogout, tag) == 8);

struct TLogout {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved[2];
  be32 reason;
  Tag tag;
};
static_assert(sizeof(TLogout) == 16 && offsetof(TLogout, reason) == 4);

struct TskMgmt {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved1[6];
  Tag tag;
  std::uint8_t reserved2[4];
  be64 lun;
  std::uint8_t reserved3[2];
  std::uint8_t function;
  std::uint8_t reserved4;
  Tag task_tag;
  std::uint8_t reserved5[8];
};
static_assert(sizeof(TskMgmt) == 48 && offsetof(TskMgmt, lun) == 20);
static_assert(offsetof(TskMgmt, function) == 30 && offsetof(TskMgmt, task_tag) == 32);

/// The fixed part of SRP_CMD. The additional CDB, the data-out and the data-in descriptor follow.
struct Cmd {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved1[3];
  std::uint8_t buf_fmt;  ///< high nibble data-out, low nibble data-in
  std::uint8_t data_out_count;
  std::uint8_t data_in_count;
  Tag tag;
  std::uint8_t reserved2[4];
  be64 lun;
  std::uint8_t reserved3;
  std::uint8_t task_attribute;  ///< low three bits
  std::uint8_t reserved4;
  std::uint8_t additional_cdb_length;  ///< bits 7..2 in units of four bytes
  std::byte cdb[16];
};
static_assert(sizeof(Cmd) == 48 && offsetof(Cmd, buf_fmt) == 5 && offsetof(Cmd, tag) == 8);
static_assert(offsetof(Cmd, lun) == 20 && offsetof(Cmd, task_attribute) == 29);
static_assert(offsetof(Cmd, additional_cdb_length) == 31 && offsetof(Cmd, cdb) == 32);

inline constexpr std::uint8_t task_attribute_mask = 0x07;
inline constexpr std::uint8_t additional_cdb_mask = 0xfc;  ///< as bytes

/// Direct memory descriptor.
struct MemoryDescriptor {
  be64 address;
  be32 key;
  be32 length;
};
static_assert(sizeof(MemoryDescriptor) == 16 && offsetof(MemoryDescriptor, length) == 12);

/// Head of an indirect descriptor; the first part of the table follows in the IU.
struct IndirectDescriptor {
  MemoryDescriptor table;
  be32 total_length;
};
static_assert(sizeof(IndirectDescriptor) == 20 && offsetof(IndirectDescriptor, total_length) == 16);

/// Immediate data descriptor; the data are at the offset agreed in the login.
struct ImmediateDescriptor {
  be32 length;
};
static_assert(sizeof(ImmediateDescriptor) == 4);

/// The fixed part of SRP_RSP. Response data and sense data follow.
struct Rsp {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved1[2];
  be32 req_lim_delta;  ///< signed
  Tag tag;
  std::uint8_t reserved2[2];
  std::uint8_t flags;
  std::uint8_t status;
  be32 data_out_residual;
  be32 data_in_residual;
  be32 sense_length;
  be32 response_length;
};
static_assert(sizeof(Rsp) == 36 && offsetof(Rsp, flags) == 18 && offsetof(Rsp, status) == 19);
static_assert(offsetof(Rsp, sense_length) == 28 && offsetof(Rsp, response_length) == 32);

// Flags of SRP_RSP.
inline constexpr std::uint8_t rspvalid = 0x01;
inline constexpr std::uint8_t snsvalid = 0x02;
inline constexpr std::uint8_t doover = 0x04;
inline constexpr std::uint8_t dounder = 0x08;
inline constexpr std::uint8_t diover = 0x10;
inline constexpr std::uint8_t diunder = 0x20;

/// Response data of SRP_RSP.
struct ResponseData {
  std::uint8_t reserved[3];
  std::uint8_t code;
};
static_assert(sizeof(ResponseData) == 4);

struct CredReq {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved[2];
  be32 req_lim_delta;  ///< signed
  Tag tag;
};
static_assert(sizeof(CredReq) == 16 && offsetof(CredReq, req_lim_delta) == 4);

struct CredRsp {
  Opcode opcode;
  std::uint8_t reserved[7];
  Tag tag;
};
static_assert(sizeof(CredRsp) == 16);

/// The fixed part of SRP_AER_REQ. Sense data follow.
struct AerReq {
  Opcode opcode;
  std::uint8_t sol_not;
  std::uint8_t reserved1[2];
  be32 req_lim_delta;  ///< signed
  Tag tag;
  std::uint8_t reserved2[4];
  be64 lun;
  be32 sense_length;
  std::uint8_t reserved3[4];
};
static_assert(sizeof(AerReq) == 36 && offsetof(AerReq, lun) == 20);
static_assert(offsetof(AerReq, sense_length) == 28);

struct AerRsp {
  Opcode opcode;
  std::uint8_t reserved[7];
  Tag tag;
};
static_assert(sizeof(AerRsp) == 16);

}  // namespace srpd::wire::srp
