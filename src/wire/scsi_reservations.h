// PERSISTENT RESERVE IN and OUT: SPC-4 6.15, 6.16; TransportIDs: 7.6.4.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

struct PersistentReserveInCdb {
  std::uint8_t opcode;
  std::uint8_t service_action;
  std::uint8_t reserved2[5];
  be16 length;
  std::uint8_t control;
};
static_assert(sizeof(PersistentReserveInCdb) == 10 && Layout<PersistentReserveInCdb>);

struct PersistentReserveOutCdb {
  static constexpr unsigned scope_shift = 4;
  static constexpr std::uint8_t type_mask = 0x0f;
  std::uint8_t opcode;
  std::uint8_t service_action;
  std::uint8_t scope_and_type;
  std::uint8_t reserved3[2];
  be32 length;
  std::uint8_t control;
};
static_assert(sizeof(PersistentReserveOutCdb) == 10 && Layout<PersistentReserveOutCdb>);

/// Of every service action but REGISTER AND MOVE; with SPEC_I_PT the length and the list of
/// TransportIDs follow.
struct PersistentReserveOutList {
  static constexpr std::uint8_t spec_i_pt = 0x08, all_tg_pt = 0x04, aptpl = 0x01;
  be64 key;
  be64 service_action_key;
  be32 obsolete16;
  std::uint8_t flags;
  std::uint8_t reserved21;
  be16 obsolete22;
};
static_assert(sizeof(PersistentReserveOutList) == 24 && Layout<PersistentReserveOutList>);

/// One TransportID follows.
struct RegisterAndMoveList {
  static constexpr std::uint8_t unreg = 0x02, aptpl = 0x01;
  be64 key;
  be64 service_action_key;
  std::uint8_t reserved16;
  std::uint8_t flags;
  be16 relative_port;
  be32 transport_id_length;
};
static_assert(sizeof(RegisterAndMoveList) == 24 && Layout<RegisterAndMoveList>);

/// Of SRP: SPC-4 7.6.4.6.
struct SrpTransportId {
  static constexpr std::uint8_t protocol_mask = 0x0f, format_shift = 6, srp = 0x04;
  std::uint8_t format_and_protocol;
  std::uint8_t reserved1[7];
  std::uint8_t port[16];
};
static_assert(sizeof(SrpTransportId) == 24 && Layout<SrpTransportId>);

/// The beginning of what READ KEYS, READ RESERVATION and READ FULL STATUS give.
struct PersistentReserveInHeader {
  be32 generation;
  be32 additional_length;
};
static_assert(sizeof(PersistentReserveInHeader) == 8 && Layout<PersistentReserveInHeader>);

struct ReservationDescriptor {
  be64 key;
  be32 obsolete8;
  std::uint8_t reserved12;
  std::uint8_t scope_and_type;
  be16 obsolete14;
};
static_assert(sizeof(ReservationDescriptor) == 16 && Layout<ReservationDescriptor>);

struct ReservationCapabilities {
  static constexpr std::uint8_t compatible = 0x10, spec_i_pt = 0x08, all_tg_pt = 0x04, ptpl = 0x01;
  static constexpr std::uint8_t types_valid = 0x80, allow_commands = 0x10, ptpl_active = 0x01;
  be16 length;
  std::uint8_t flags;
  std::uint8_t more_flags;
  be16 types;
  std::uint8_t reserved6[2];
};
static_assert(sizeof(ReservationCapabilities) == 8 && Layout<ReservationCapabilities>);

/// The TransportID follows.
struct FullStatusDescriptor {
  static constexpr std::uint8_t all_tg_pt = 0x02, holder = 0x01;
  be64 key;
  be32 reserved8;
  std::uint8_t flags;
  std::uint8_t scope_and_type;
  be32 reserved14;
  be16 relative_port;
  be32 additional_length;
};
static_assert(sizeof(FullStatusDescriptor) == 24 && Layout<FullStatusDescriptor>);

}  // namespace srpd::wire
