#include "scsi/reservation_state.h"

#include <algorithm>
#include <cstring>

#include "wire/scsi_reservations.h"

namespace srpd::scsi {
namespace {

using Level = ReservationLevel;

// By level, from write_exclusive on: whether it conflicts.
struct Row {
  bool write_exclusive, write_exclusive_known, exclusive, exclusive_known, reserved;
};

Row row_of(UnderReservation command) {
  switch (command) {
    case UnderReservation::writes:
    case UnderReservation::holds:
      return {true, true, true, true, true};
    case UnderReservation::no_data:
      return {false, true, true, true, true};
    case UnderReservation::reads:
      return {false, false, true, true, true};
    case UnderReservation::information:
      return {false, false, true, false, true};
    case UnderReservation::registration:
      return {true, false, true, false, true};
    case UnderReservation::harmless:
      return {false, false, false, false, true};
    case UnderReservation::always:
      return {};
  }
  return {};
}

// Parameter data as they grow.
class Data {
 public:
  template <wire::Layout T>
  void put(const T& value) {
    const auto bytes = wire::bytes_of(value);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

Data begin(const ReservationState& state, std::size_t length) {
  wire::PersistentReserveInHeader header{};
  header.generation = state.generation;
  header.additional_length = static_cast<std::uint32_t>(length);
  Data data;
  data.put(header);
  return data;
}

}  // namespace

bool is_reservation_type(std::uint8_t value) {
  switch (static_cast<ReservationType>(value)) {
    case ReservationType::write_exclusive:
    case ReservationType::exclusive_access:
    case ReservationType::write_exclusive_registrants_only:
    case ReservationType::exclusive_access_registrants_only:
    case ReservationType::write_exclusive_all_registrants:
    case ReservationType::exclusive_access_all_registrants:
      return true;
    case ReservationType::none:
      break;
  }
  return false;
}

bool is_write_exclusive(ReservationType type) {
  return type == ReservationType::write_exclusive ||
         type == ReservationType::write_exclusive_registrants_only ||
         type == ReservationType::write_exclusive_all_registrants;
}

bool is_held_by_all(ReservationType type) {
  return type == ReservationType::write_exclusive_all_registrants ||
         type == ReservationType::exclusive_access_all_registrants;
}

bool admits_registrants(ReservationType type) {
  return is_held_by_all(type) || type == ReservationType::write_exclusive_registrants_only ||
         type == ReservationType::exclusive_access_registrants_only;
}

bool conflicts(UnderReservation command, ReservationLevel level) {
  const Row row = row_of(command);
  switch (level) {
    case Level::everything:
      return false;
    case Level::write_exclusive:
      return row.write_exclusive;
    case Level::write_exclusive_known:
      return row.write_exclusive_known;
    case Level::exclusive_access:
      return row.exclusive;
    case Level::exclusive_access_known:
      return row.exclusive_known;
    case Level::reserved:
      return row.reserved;
  }
  return false;
}

const Registration* ReservationState::find(const NexusName& nexus) const {
  const auto found =
      std::find_if(registrations.begin(), registrations.end(),
                   [&](const Registration& each) { return each.nexus.same_as(nexus); });
  return found == registrations.end() ? nullptr : &*found;
}

bool ReservationState::is_holder(const Registration& registration) const {
  if (!holder) return false;
  return is_held_by_all(type) || &registrations[*holder] == &registration;
}

ReservationLevel ReservationState::level_of(const NexusName& nexus) const {
  if (!holder) return Level::everything;
  const Registration* const own = find(nexus);
  if (own != nullptr && (is_holder(*own) || admits_registrants(type))) return Level::everything;
  if (is_write_exclusive(type))
    return own != nullptr ? Level::write_exclusive_known : Level::write_exclusive;
  return own != nullptr ? Level::exclusive_access_known : Level::exclusive_access;
}

void ReservationState::remove(std::size_t index) {
  registrations.erase(registrations.begin() + static_cast<std::ptrdiff_t>(index));
  if (!holder) return;
  if (*holder > index) {
    --*holder;
  } else if (*holder == index) {
    holder.reset();
    // SPC-4 5.9.11.3: the last of all registrants takes the reservation along.
    if (is_held_by_all(type) && !registrations.empty())
      holder = 0;
    else
      type = ReservationType::none;
  }
}

bool PossibleNexus::has_id(const PortId& id) const {
  return unknown_bytes < id.size() &&
         std::equal(id.begin() + static_cast<std::ptrdiff_t>(unknown_bytes), id.end(),
                    name.id.begin() + static_cast<std::ptrdiff_t>(unknown_bytes));
}

// SPC-4 6.15.2. A list that is cut tells its whole length.
std::vector<std::byte> read_keys(const ReservationState& state) {
  Data data = begin(state, state.registrations.size() * sizeof(wire::be64));
  for (const Registration& each : state.registrations) data.put(wire::be64(each.key));
  return data.take();
}

// SPC-4 6.15.3: where all registrants hold it the key is 0.
std::vector<std::byte> read_reservation(const ReservationState& state) {
  if (!state.holder) return begin(state, 0).take();
  wire::ReservationDescriptor descriptor{};
  descriptor.key = is_held_by_all(state.type) ? 0 : state.registrations[*state.holder].key;
  descriptor.scope_and_type = static_cast<std::uint8_t>(state.type);
  Data data = begin(state, sizeof descriptor);
  data.put(descriptor);
  return data.take();
}

// SPC-4 6.15.5.
std::vector<std::byte> read_full_status(const ReservationState& state) {
  using Descriptor = wire::FullStatusDescriptor;
  Data data = begin(
      state, state.registrations.size() * (sizeof(Descriptor) + sizeof(wire::SrpTransportId)));
  for (const Registration& each : state.registrations) {
    Descriptor descriptor{};
    descriptor.key = each.key;
    if (each.all_target_ports)
      descriptor.flags = Descriptor::all_tg_pt;
    else
      descriptor.relative_port = each.relative_port;
    if (state.is_holder(each)) {
      descriptor.flags |= Descriptor::holder;
      descriptor.scope_and_type = static_cast<std::uint8_t>(state.type);
    }
    descriptor.additional_length = sizeof(wire::SrpTransportId);
    data.put(descriptor);
    wire::SrpTransportId id{};
    id.format_and_protocol = wire::SrpTransportId::srp;
    std::memcpy(id.port, each.nexus.id.data(), sizeof id.port);
    data.put(id);
  }
  return data.take();
}

// SPC-4 6.15.4.
std::vector<std::byte> report_capabilities(const ReservationState& state, bool keeps) {
  using Capabilities = wire::ReservationCapabilities;
  Capabilities capabilities{};
  capabilities.length = sizeof capabilities;
  capabilities.flags = Capabilities::compatible | Capabilities::spec_i_pt | Capabilities::all_tg_pt;
  if (keeps) capabilities.flags |= Capabilities::ptpl;
  capabilities.more_flags = Capabilities::types_valid | Capabilities::allow_commands;
  if (state.persists) capabilities.more_flags |= Capabilities::ptpl_active;
  capabilities.types = 0xea01;  // all six: bits 15, 14, 13, 11, 9 and 0
  Data data;
  data.put(capabilities);
  return data.take();
}

}  // namespace srpd::scsi
