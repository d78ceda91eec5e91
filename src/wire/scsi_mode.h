// Mode parameter lists and pages: SPC-5 7.5, SBC-4 6.5.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

struct ModeHeader6 {
  std::uint8_t data_length;  ///< of what follows this byte
  std::uint8_t medium_type;
  std::uint8_t device_specific;
  std::uint8_t descriptor_length;
};
static_assert(sizeof(ModeHeader6) == 4 && Layout<ModeHeader6>);

struct ModeHeader10 {
  static constexpr std::uint8_t long_lba = 0x01;
  be16 data_length;
  std::uint8_t medium_type;
  std::uint8_t device_specific;
  std::uint8_t flags;
  std::uint8_t reserved5;
  be16 descriptor_length;
};
static_assert(sizeof(ModeHeader10) == 8 && Layout<ModeHeader10>);

/// Device-specific parameter of block devices, SBC-4 6.5.1.
inline constexpr std::uint8_t mode_write_protected = 0x80;
inline constexpr std::uint8_t mode_dpofua = 0x10;

/// SBC-4 6.5.2.2.
struct ShortBlockDescriptor {
  be32 block_count;  ///< FFFFFFFFh when it does not fit
  std::uint8_t reserved4;
  be24 block_size;
};
static_assert(sizeof(ShortBlockDescriptor) == 8 && Layout<ShortBlockDescriptor>);

/// SBC-4 6.5.2.3.
struct LongBlockDescriptor {
  be64 block_count;
  std::uint8_t reserved8[4];
  be32 block_size;
};
static_assert(sizeof(LongBlockDescriptor) == 16 && Layout<LongBlockDescriptor>);

struct ModePageHeader {
  std::uint8_t code;    ///< PS, SPF, page code
  std::uint8_t length;  ///< of what follows
};
static_assert(sizeof(ModePageHeader) == 2 && Layout<ModePageHeader>);

/// Page 01h, SBC-4 6.5.9.
struct ErrorRecoveryPage {
  std::uint8_t flags;  ///< AWRE, ARRE, TB, RC, PER, DTE
  std::uint8_t read_retry_count;
  std::uint8_t obsolete4[3];
  std::uint8_t flags7;
  std::uint8_t write_retry_count;
  std::uint8_t reserved9;
  be16 recovery_time_limit;
};
static_assert(sizeof(ErrorRecoveryPage) == 0x0a && Layout<ErrorRecoveryPage>);

/// Page 08h, SBC-4 6.5.6.
struct CachingPage {
  static constexpr std::uint8_t wce = 0x04;  // in flags
  static constexpr std::uint8_t dra = 0x20;  // in flags12
  std::uint8_t flags;
  std::uint8_t retention_priority;
  be16 disable_prefetch_length;
  be16 minimum_prefetch;
  be16 maximum_prefetch;
  be16 maximum_prefetch_ceiling;
  std::uint8_t flags12;
  std::uint8_t cache_segments;
  be16 cache_segment_size;
  std::uint8_t reserved16;
  std::uint8_t obsolete17[3];
};
static_assert(sizeof(CachingPage) == 0x12 && offsetof(CachingPage, flags12) == 10 &&
              Layout<CachingPage>);

/// Page 0Ah, SPC-5 7.5.10.
struct ControlPage {
  static constexpr std::uint8_t tst_per_nexus = 0x20;     // in flags2: TST 001b
  static constexpr std::uint8_t d_sense = 0x04;           // in flags2
  static constexpr std::uint8_t gltsd = 0x02;             // in flags2
  static constexpr std::uint8_t qam_unrestricted = 0x10;  // in flags3
  static constexpr std::uint8_t swp = 0x08;               // in flags4
  static constexpr std::uint8_t tas = 0x40;               // in flags5
  std::uint8_t flags2;
  std::uint8_t flags3;
  std::uint8_t flags4;
  std::uint8_t flags5;
  std::uint8_t obsolete6[2];
  be16 busy_timeout;
  be16 self_test_seconds;
};
static_assert(sizeof(ControlPage) == 0x0a && Layout<ControlPage>);

/// Page 1Ch, SPC-5 7.5.11 (SBC-4 6.5.8).
struct InformationalExceptionsPage {
  static constexpr std::uint8_t dexcpt = 0x08;  // in flags
  std::uint8_t flags;
  std::uint8_t method;
  be32 interval_timer;
  be32 report_count;
};
static_assert(sizeof(InformationalExceptionsPage) == 0x0a && Layout<InformationalExceptionsPage>);

}  // namespace srpd::wire
