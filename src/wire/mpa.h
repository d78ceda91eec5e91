// MPA (RFC 5044, enhanced set-up RFC 6581): the two frames that open an iWARP connection and the
// framing of everything after them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire::mpa {

inline constexpr char request_key[] = "MPA ID Req Frame";
inline constexpr char reply_key[] = "MPA ID Rep Frame";
inline constexpr std::size_t key_length = 16;
static_assert(sizeof(request_key) == key_length + 1 && sizeof(reply_key) == key_length + 1);

/// Frame::flags, RFC 5044 7.1 and RFC 6581 9.
inline constexpr std::uint8_t flag_markers = 0x80;  ///< the sender wants to receive markers
inline constexpr std::uint8_t flag_crc = 0x40;
inline constexpr std::uint8_t flag_reject = 0x20;  ///< reply only
inline constexpr std::uint8_t flag_enhanced =
    0x10;  ///< revision 2: Enhanced leads the private data

/// Request and Reply Frame; the private data follow.
struct Frame {
  char key[key_length];
  std::uint8_t flags;
  std::uint8_t revision;
  be16 private_data_length;  ///< including Enhanced
};
static_assert(sizeof(Frame) == 20 && offsetof(Frame, private_data_length) == 18);

/// RFC 5044 7.1: the most a receiver has to take.
inline constexpr std::size_t max_private_data = 512;
/// What common receivers (Linux siw and cxgb4) take.
inline constexpr std::size_t safe_private_data = 256;

/// RFC 6581 9.1: read depths and the kinds of ready-to-receive indication.
struct Enhanced {
  be16 ird;
  be16 ord;
};
static_assert(sizeof(Enhanced) == 4);

inline constexpr std::uint16_t ird_peer_to_peer = 0x8000;  ///< A: asked for, or agreed
inline constexpr std::uint16_t ird_rtr_send = 0x4000;      ///< B: an empty Send will do as RTR
inline constexpr std::uint16_t ord_rtr_write = 0x8000;     ///< C: an empty RDMA Write will do
inline constexpr std::uint16_t ord_rtr_read = 0x4000;      ///< D: an empty RDMA Read will do
inline constexpr std::uint16_t depth_mask = 0x3fff;
inline constexpr std::uint16_t depth_unspecified = 0x3fff;  ///< no automatic negotiation

/// FPDU (RFC 5044 4): length, ULPDU, pad to a multiple of four, CRC field.
inline constexpr std::size_t length_field = 2;
inline constexpr std::size_t crc_field = 4;
inline constexpr std::uint32_t max_ulpdu = 65535;

constexpr std::uint32_t pad_of(std::uint32_t ulpdu) {
  return (4 - ((ulpdu + length_field) & 3)) & 3;
}
constexpr std::uint32_t fpdu_size(std::uint32_t ulpdu) {
  return static_cast<std::uint32_t>(length_field + ulpdu + pad_of(ulpdu) + crc_field);
}
inline constexpr std::uint32_t max_fpdu = fpdu_size(max_ulpdu);
static_assert(max_fpdu == 65544);

}  // namespace srpd::wire::mpa
