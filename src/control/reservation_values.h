// Reservations between the SCSI core and LIO's words.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "lio/engine.h"
#include "scsi/reservation_state.h"

namespace srpd::control {

/// What the file of APTPL says.
std::string registrations_text(const scsi::ReservationState& state);

/// One that was kept: it waits for its nexus to become possible, and replaces what has its name.
lio::Result<void> add_registration(scsi::ReservationState& state,
                                   const lio::AptplRegistration& registration);

/// What was kept at `path`; nothing is kept without a file.
Expected<scsi::ReservationState> read_registrations(const std::string& path);

/// What pr/ of the tree shows.
lio::Reservations shown_reservations(const scsi::ReservationState& state,
                                     const std::optional<scsi::NexusName>& reserved_by);

}  // namespace srpd::control
