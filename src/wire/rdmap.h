// RDMAP messages (RFC 5040).
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/ddp.h"
#include "wire/endian.h"

namespace srpd::wire::rdmap {

/// The RDMAP control byte: version in the two highest bits, opcode in the four lowest.
inline constexpr std::uint8_t version_bits = 0x40;
inline constexpr std::uint8_t version_mask = 0xc0;
inline constexpr std::uint8_t opcode_mask = 0x0f;

enum class Opcode : std::uint8_t {
  write = 0,
  read_request = 1,
  read_response = 2,
  send = 3,
  send_invalidate = 4,
  send_solicited = 5,
  send_solicited_invalidate = 6,
  terminate = 7,
};

constexpr bool is_tagged(Opcode opcode) {
  return opcode == Opcode::write || opcode == Opcode::read_response;
}
constexpr bool is_send(Opcode opcode) {
  return opcode >= Opcode::send && opcode <= Opcode::send_solicited_invalidate;
}
constexpr bool invalidates(Opcode opcode) {
  return opcode == Opcode::send_invalidate || opcode == Opcode::send_solicited_invalidate;
}

/// RFC 5040 4.1: the untagged queues.
inline constexpr std::uint32_t send_queue = 0;
inline constexpr std::uint32_t read_queue = 1;
inline constexpr std::uint32_t terminate_queue = 2;

/// RFC 5040 4.4, with the headers before it. Never has payload.
struct ReadRequest {
  ddp::Untagged header;
  be32 sink_stag;
  be64 sink_offset;
  be32 size;
  be32 source_stag;
  be64 source_offset;
};
static_assert(sizeof(ReadRequest) == 48 && offsetof(ReadRequest, size) == 32);

/// RFC 5040 4.8. DDP segment length and headers of the offending FPDU may follow.
struct Terminate {
  ddp::Untagged header;
  std::uint8_t layer_and_type;
  std::uint8_t code;
  std::uint8_t included;
  std::uint8_t reserved;
};
static_assert(sizeof(Terminate) == 24);

/// Terminate::included.
inline constexpr std::uint8_t has_segment_length = 0x80;  ///< M
inline constexpr std::uint8_t has_ddp_header = 0x40;      ///< D
inline constexpr std::uint8_t has_rdmap_header = 0x20;    ///< R

enum class Layer : std::uint8_t { rdmap = 0, ddp = 1, llp = 2 };

/// Error types and codes of RFC 5040 4.8, RFC 5041 8.2 and RFC 5044 8 / RFC 6581 10 as one value:
/// layer, type, code.
enum class ErrorCode : std::uint16_t {
  rdmap_invalid_stag = 0x0100,
  rdmap_bounds = 0x0101,
  rdmap_access = 0x0102,
  rdmap_offset_wrap = 0x0104,
  rdmap_cannot_invalidate = 0x0109,
  rdmap_version = 0x0205,
  rdmap_unexpected_opcode = 0x0206,
  rdmap_stream_catastrophic = 0x0207,
  ddp_invalid_stag = 0x1100,
  ddp_bounds = 0x1101,
  ddp_offset_wrap = 0x1103,
  ddp_tagged_version = 0x1104,
  ddp_invalid_queue = 0x1201,
  ddp_no_buffer = 0x1202,
  ddp_msn_range = 0x1203,
  ddp_message_offset = 0x1204,
  ddp_message_too_long = 0x1205,
  ddp_untagged_version = 0x1206,
  mpa_crc = 0x2002,
  mpa_length = 0x2003,
  mpa_frame = 0x2004,
  mpa_insufficient_ird = 0x2006,
  mpa_no_common_rtr = 0x2007,
};

constexpr Layer layer_of(ErrorCode code) {
  return static_cast<Layer>(static_cast<std::uint16_t>(code) >> 12);
}

}  // namespace srpd::wire::rdmap
