// Sense data layouts, SPC-5 4.4.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

/// Fixed format, SPC-5 4.4.3, up to the sense-key specific bytes.
struct FixedSense {
  static constexpr std::uint8_t valid = 0x80;        // in response_code
  static constexpr std::uint8_t current = 0x70;      // in response_code
  static constexpr std::uint8_t additional = 10;     // bytes after additional_length
  static constexpr std::uint8_t sks_valid = 0x80;    // in sense_key_specific[0]
  static constexpr std::uint8_t sks_command = 0x40;  // C/D: the field is in the CDB
  static constexpr std::uint8_t sks_bpv = 0x08;      // the bit pointer is valid

  std::uint8_t response_code;
  std::uint8_t obsolete1;
  std::uint8_t sense_key;
  be32 information;
  std::uint8_t additional_length;
  be32 command_specific;
  std::uint8_t asc;
  std::uint8_t ascq;
  std::uint8_t fru;
  std::uint8_t sense_key_specific[3];
};
static_assert(sizeof(FixedSense) == 18 && offsetof(FixedSense, asc) == 12 && Layout<FixedSense>);

/// Descriptor format header, SPC-5 4.4.2.1.
struct DescriptorSense {
  static constexpr std::uint8_t current = 0x72;
  std::uint8_t response_code;
  std::uint8_t sense_key;
  std::uint8_t asc;
  std::uint8_t ascq;
  std::uint8_t reserved4[3];
  std::uint8_t additional_length;
};
static_assert(sizeof(DescriptorSense) == 8 && Layout<DescriptorSense>);

/// SPC-5 4.4.2.2.
struct InformationDescriptor {
  static constexpr std::uint8_t valid_bit = 0x80;
  std::uint8_t type;               ///< 0
  std::uint8_t additional_length;  ///< 0Ah
  std::uint8_t valid;
  std::uint8_t reserved3;
  be64 information;
};
static_assert(sizeof(InformationDescriptor) == 12 && Layout<InformationDescriptor>);

/// SPC-5 4.4.2.4.
struct SenseKeySpecificDescriptor {
  std::uint8_t type;               ///< 2
  std::uint8_t additional_length;  ///< 6
  std::uint8_t reserved2[2];
  std::uint8_t sense_key_specific[3];
  std::uint8_t reserved7;
};
static_assert(sizeof(SenseKeySpecificDescriptor) == 8 && Layout<SenseKeySpecificDescriptor>);

}  // namespace srpd::wire
