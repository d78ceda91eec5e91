// Parameter data of block and primary commands: SBC-4 5, SPC-5 6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

/// READ CAPACITY(10), SBC-4 5.20.2.
struct Capacity10 {
  be32 last_lba;  ///< FFFFFFFFh: ask READ CAPACITY(16)
  be32 block_size;
};
static_assert(sizeof(Capacity10) == 8 && Layout<Capacity10>);

/// READ CAPACITY(16), SBC-4 5.21.2.
struct Capacity16 {
  static constexpr std::uint16_t lbpme = 0x8000, lbprz = 0x4000, alignment_mask = 0x3fff;
  be64 last_lba;
  be32 block_size;
  std::uint8_t protection;
  std::uint8_t exponents;  ///< P_I_EXPONENT, logical blocks per physical block exponent
  be16 provisioning;       ///< LBPME, LBPRZ, lowest aligned LBA
  std::uint8_t reserved16[16];
};
static_assert(sizeof(Capacity16) == 32 && Layout<Capacity16>);

/// REPORT LUNS, SPC-5 6.33.2.
struct ReportLunsHeader {
  be32 length;
  be32 reserved4;
};
static_assert(sizeof(ReportLunsHeader) == 8 && Layout<ReportLunsHeader>);

/// UNMAP parameter list, SBC-4 5.37.2.
struct UnmapHeader {
  be16 data_length;
  be16 descriptors_length;
  be32 reserved4;
};
static_assert(sizeof(UnmapHeader) == 8 && Layout<UnmapHeader>);

struct UnmapDescriptor {
  be64 lba;
  be32 blocks;
  be32 reserved12;
};
static_assert(sizeof(UnmapDescriptor) == 16 && Layout<UnmapDescriptor>);

/// REPORT TARGET PORT GROUPS with the extended header, SPC-4 6.37: after the length.
struct TargetPortGroupsExtension {
  static constexpr std::uint8_t extended = 0x10;
  std::uint8_t format;
  std::uint8_t implicit_transition_seconds;
  std::uint8_t reserved6[2];
};
static_assert(sizeof(TargetPortGroupsExtension) == 4 && Layout<TargetPortGroupsExtension>);

/// The ports follow.
struct TargetPortGroupDescriptor {
  static constexpr std::uint8_t preferred = 0x80;
  std::uint8_t state;
  std::uint8_t supported;
  be16 id;
  std::uint8_t reserved4;
  std::uint8_t status;
  std::uint8_t vendor_specific;
  std::uint8_t port_count;
};
static_assert(sizeof(TargetPortGroupDescriptor) == 8 && Layout<TargetPortGroupDescriptor>);

struct TargetPortDescriptor {
  be16 obsolete0;
  be16 relative_port;
};
static_assert(sizeof(TargetPortDescriptor) == 4 && Layout<TargetPortDescriptor>);

/// SET TARGET PORT GROUPS, SPC-4 6.45: after four reserved bytes.
struct SetTargetPortGroupDescriptor {
  static constexpr std::uint8_t state_mask = 0x0f;
  std::uint8_t state;
  std::uint8_t reserved1;
  be16 id;  ///< of a group, or of a port where the state is offline
};
static_assert(sizeof(SetTargetPortGroupDescriptor) == 4 && Layout<SetTargetPortGroupDescriptor>);

/// REPORT SUPPORTED OPERATION CODES, all commands: SPC-5 6.34.2.
struct CommandDescriptor {
  static constexpr std::uint8_t ctdp = 0x02, servactv = 0x01;
  std::uint8_t opcode;
  std::uint8_t reserved1;
  be16 service_action;
  std::uint8_t reserved4;
  std::uint8_t flags;
  be16 cdb_length;
};
static_assert(sizeof(CommandDescriptor) == 8 && Layout<CommandDescriptor>);

/// One command: SPC-5 6.34.3; the usage data follow.
struct OneCommandHeader {
  static constexpr std::uint8_t ctdp = 0x80;
  static constexpr std::uint8_t not_supported = 1, supported = 3;
  std::uint8_t reserved0;
  std::uint8_t support;
  be16 cdb_length;
};
static_assert(sizeof(OneCommandHeader) == 4 && Layout<OneCommandHeader>);

/// SPC-5 6.34.4.
struct CommandTimeouts {
  be16 length;  ///< 0Ah
  std::uint8_t reserved2;
  std::uint8_t command_specific;
  be32 nominal_seconds;
  be32 recommended_seconds;
};
static_assert(sizeof(CommandTimeouts) == 12 && Layout<CommandTimeouts>);

}  // namespace srpd::wire
