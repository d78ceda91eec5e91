// DDP headers (RFC 5041), together with the MPA length field before them and the RDMAP control byte
// inside them (RFC 5040 4.1), as they start every FPDU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/mpa.h"

namespace srpd::wire::ddp {

/// The first control byte.
inline constexpr std::uint8_t control_tagged = 0x80;
inline constexpr std::uint8_t control_last = 0x40;
inline constexpr std::uint8_t control_version_mask = 0x03;
inline constexpr std::uint8_t version = 1;

/// What all FPDUs have in common.
struct Start {
  be16 ulpdu_length;
  std::uint8_t ddp_control;
  std::uint8_t rdmap_control;
};
static_assert(sizeof(Start) == 4);

struct Tagged {
  Start start;
  be32 stag;
  be64 offset;  ///< tagged offset of the first payload byte of this FPDU
};
static_assert(sizeof(Tagged) == 16 && offsetof(Tagged, offset) == 8);

struct Untagged {
  Start start;
  be32 ulp;  ///< RDMAP: the STag to invalidate, else 0
  be32 queue;
  be32 msn;     ///< the first message on each queue has 1
  be32 offset;  ///< message offset of the first payload byte of this FPDU
};
static_assert(sizeof(Untagged) == 20 && offsetof(Untagged, msn) == 12);

/// Header bytes that count in the ULPDU length.
inline constexpr std::uint32_t tagged_ulpdu = sizeof(Tagged) - mpa::length_field;
inline constexpr std::uint32_t untagged_ulpdu = sizeof(Untagged) - mpa::length_field;

}  // namespace srpd::wire::ddp
