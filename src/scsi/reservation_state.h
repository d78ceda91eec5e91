// Reservations of a unit as values: who is registered, who holds what, and what a PERSISTENT
// RESERVE OUT makes of it (SPC-4 5.9, 6.16). No locks, no I/O; reservations.h has those.
//
// Where hosts can tell LIO from the standard, this does what LIO does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scsi/result.h"

namespace srpd::scsi {

/// SRP port identifier, 16 bytes: extension and GUID.
using PortId = std::array<std::byte, 16>;

/// An I_T nexus by the names that outlive its sessions: an initiator, as its ACL has it, at a
/// target port.
struct NexusName {
  std::string initiator;
  std::string target;
  std::uint16_t tag = 1;  ///< of the target port group of LIO; several share the name
  PortId id{};            ///< of the initiator port, as far as it is known

  /// By the names alone.
  bool same_as(const NexusName& other) const {
    return tag == other.tag && initiator == other.initiator && target == other.target;
  }
};

/// SPC-4 table 62.
enum class ReservationType : std::uint8_t {
  none = 0x0,
  write_exclusive = 0x1,
  exclusive_access = 0x3,
  write_exclusive_registrants_only = 0x5,
  exclusive_access_registrants_only = 0x6,
  write_exclusive_all_registrants = 0x7,
  exclusive_access_all_registrants = 0x8,
};
bool is_reservation_type(std::uint8_t value);
bool is_write_exclusive(ReservationType type);
/// Those in which every registrant may do what the holder may.
bool admits_registrants(ReservationType type);
bool is_held_by_all(ReservationType type);

/// What a reservation leaves of the unit for a nexus: the byte that its commands look at.
enum class ReservationLevel : std::uint8_t {
  everything,             ///< there is none, or it is the nexus' own
  write_exclusive,        ///< held by others
  write_exclusive_known,  ///< and this nexus is registered
  exclusive_access,
  exclusive_access_known,
  reserved,  ///< by RESERVE(6) or RESERVE(10) of another
};

/// To whom a command is served while the unit is reserved: SPC-4 tables 63 and 64, SBC-3 table 13,
/// as LIO has them.
enum class UnderReservation : std::uint8_t {
  writes,        ///< only to who may write
  no_data,       ///< LIO takes a command without data for a read, from who is not registered
  reads,         ///< refused by exclusive access
  information,   ///< as well, but not to registrants
  registration,  ///< to registrants: they can release and preempt
  holds,         ///< what only a holder can ask for
  harmless,      ///< unless RESERVE came first
  always,
};
bool conflicts(UnderReservation command, ReservationLevel level);

struct Registration {
  NexusName nexus;
  std::uint16_t relative_port = 1;
  std::uint32_t mapped_lun = 0, target_lun = 0;  ///< under which it sees the unit, and at the port
  std::uint64_t key = 0;
  std::uint32_t generation = 0;  ///< PRgeneration when it was made or changed
  bool all_target_ports = false;
  /// False: it was restored, and no such nexus has become possible since.
  bool known = true;
};

struct ReservationState {
  std::uint32_t generation = 0;  ///< PRgeneration
  bool persists = false;         ///< APTPL
  std::vector<Registration> registrations;
  std::optional<std::size_t> holder;
  ReservationType type = ReservationType::none;

  const Registration* find(const NexusName& nexus) const;
  bool is_holder(const Registration& registration) const;
  ReservationLevel level_of(const NexusName& nexus) const;
  /// With the reservation, if it holds that: it goes to the next where all hold it.
  void remove(std::size_t index);
};

/// An I_T nexus that can be: where an ACL maps the unit, or a host is logged in.
struct PossibleNexus {
  NexusName name;
  std::uint16_t relative_port = 1;
  std::uint32_t mapped_lun = 0, target_lun = 0;
  /// How many leading bytes of the identifier are not known; all of them: it cannot be named by a
  /// TransportID.
  std::size_t unknown_bytes = 0;

  bool has_id(const PortId& id) const;
};

/// A PERSISTENT RESERVE OUT.
struct ReserveOut {
  enum class Action : std::uint8_t {
    register_key = 0x00,
    reserve = 0x01,
    release = 0x02,
    clear = 0x03,
    preempt = 0x04,
    preempt_and_abort = 0x05,
    register_and_ignore = 0x06,
    register_and_move = 0x07,
  };
  Action action = Action::register_key;
  std::uint8_t scope = 0, type = 0;
  std::uint64_t key = 0, new_key = 0;
  bool spec_i_pt = false, all_target_ports = false, persists = false, unregister = false;
  std::uint16_t relative_port = 0;   ///< REGISTER AND MOVE
  std::vector<PortId> initiators{};  ///< from TransportIDs
};
/// `list` has at least 24 bytes.
Result parse_reserve_out(std::span<const std::byte> cdb, std::span<const std::byte> list,
                         ReserveOut& out);
inline constexpr std::uint32_t reserve_out_list_size = 24;

/// What becomes of it.
struct ReserveOutcome {
  ReservationState state;
  bool has_changed = false;
  // Whom unit attentions tell.
  std::vector<NexusName> reservations_preempted, reservations_released, registrations_preempted;
  /// Whose commands are aborted before the answer.
  std::vector<NexusName> aborted;
};

/// `outcome` is good for something only where the result is. `possible`: all that can be.
Result decide(const ReservationState& state, const ReserveOut& request, const PossibleNexus& from,
              std::span<const PossibleNexus> possible, ReserveOutcome& outcome);

// PERSISTENT RESERVE IN: the whole parameter data.

std::vector<std::byte> read_keys(const ReservationState& state);
std::vector<std::byte> read_reservation(const ReservationState& state);
std::vector<std::byte> read_full_status(const ReservationState& state);
/// `keeps`: registrations can survive a loss of power.
std::vector<std::byte> report_capabilities(const ReservationState& state, bool keeps);

}  // namespace srpd::scsi
