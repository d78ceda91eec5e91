#include "control/reservation_values.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "control/identity.h"
#include "lio/aptpl.h"
#include "target/port.h"

namespace srpd::control {
namespace {

// As ports of the SCSI core are called, however it was written.
std::string target_name(const std::string& text) {
  const auto id = parse_port_id(text);
  return id ? "0x" + hex(*id) : text;
}

scsi::PortId initiator_id(const std::string& name) {
  const auto key = target::AclKey::parse(name);
  return key ? key->port_id() : scsi::PortId{};
}

lio::Reservations::Holder shown_holder(const scsi::ReservationState& state,
                                       const scsi::Registration& holder) {
  return {.initiator = holder.nexus.initiator,
          .all_target_ports = holder.all_target_ports,
          .target = holder.nexus.target,
          .rtpi = holder.relative_port,
          .lun = holder.target_lun,
          .type = static_cast<std::uint8_t>(state.type)};
}

}  // namespace

std::string registrations_text(const scsi::ReservationState& state) {
  std::vector<lio::AptplRegistration> all;
  if (!state.persists) return lio::aptpl_text(all);
  for (std::size_t i = 0; i < state.registrations.size(); ++i) {
    const scsi::Registration& each = state.registrations[i];
    lio::AptplRegistration out;
    out.initiator_fabric = out.target_fabric = "srpt";
    out.initiator_node = each.nexus.initiator;
    out.key = each.key;
    out.holder = state.holder == i;
    if (out.holder) out.type = static_cast<std::uint8_t>(state.type);
    out.all_target_ports = each.all_target_ports;
    out.mapped_lun = each.mapped_lun;
    out.target_node = each.nexus.target;
    out.tag = each.nexus.tag;
    out.port_rtpi = each.relative_port;
    out.target_lun = each.target_lun;
    all.push_back(std::move(out));
  }
  return lio::aptpl_text(all);
}

lio::Result<void> add_registration(scsi::ReservationState& state,
                                   const lio::AptplRegistration& registration) {
  if (registration.holder && !scsi::is_reservation_type(registration.type))
    return tree::fail(EINVAL, "res_type is no type of reservation", "use 01, 03, 05 to 08");
  scsi::Registration made;
  made.nexus = {registration.initiator_node, target_name(registration.target_node),
                registration.tag, initiator_id(registration.initiator_node)};
  made.relative_port = registration.port_rtpi;
  made.mapped_lun = static_cast<std::uint32_t>(registration.mapped_lun);
  made.target_lun = static_cast<std::uint32_t>(registration.target_lun);
  made.key = registration.key;
  made.all_target_ports = registration.all_target_ports;
  made.known = false;
  if (const scsi::Registration* const before = state.find(made.nexus))
    state.remove(static_cast<std::size_t>(before - state.registrations.data()));
  state.persists = true;
  state.registrations.push_back(std::move(made));
  if (!registration.holder) return {};
  state.holder = state.registrations.size() - 1;
  state.type = static_cast<scsi::ReservationType>(registration.type);
  return {};
}

Expected<scsi::ReservationState> read_registrations(const std::string& path) {
  const auto kept = lio::read_aptpl(path);
  if (!kept) return tl::make_unexpected(kept.error());
  scsi::ReservationState state;
  for (const lio::AptplRegistration& each : *kept)
    if (auto added = add_registration(state, each); !added)
      return failure(path, added.error().cause, added.error().remedy);
  return state;
}

// LIO shows what was kept when its ACL is there.
lio::Reservations shown_reservations(const scsi::ReservationState& state,
                                     const std::optional<scsi::NexusName>& reserved_by) {
  lio::Reservations shown;
  shown.generation = state.generation;
  for (const scsi::Registration& each : state.registrations)
    if (each.known)
      shown.registrations.push_back({each.nexus.initiator, each.key, each.generation});
  shown.aptpl = state.persists && (state.registrations.empty() || !shown.registrations.empty());
  if (reserved_by) {
    shown.spc2 = true;
    shown.holder.push_back({.initiator = reserved_by->initiator, .target = reserved_by->target});
  } else if (state.holder && state.registrations[*state.holder].known) {
    shown.holder.push_back(shown_holder(state, state.registrations[*state.holder]));
  }
  return shown;
}

}  // namespace srpd::control
