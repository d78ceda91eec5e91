// Names that stay the same across restarts without being stored anywhere: derived from this machine
// and from what is served, so that a host finds its disks under the same multipath and udev names.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "scsi/nexus.h"

namespace srpd::control {

/// /etc/machine-id, else the host name: what tells this machine from others.
std::string machine_seed();

/// A unit serial in UUID form (RFC 9562 version 8) for `what`, such as "fileio /srv/disk.img".
std::string derived_serial(std::string_view machine, std::string_view what);

/// A target port identifier: twice the same locally administered EUI-64, as ib_srpt's id_ext and
/// ioc_guid are.
scsi::PortId derived_port_id(std::string_view machine);

/// "ib." or "0x" and up to 32 hex digits, or a GUID "xxxx:xxxx:xxxx:xxxx" (used for both halves).
Expected<scsi::PortId> parse_port_id(std::string_view text);

/// 32 lower case hex digits.
std::string hex(const scsi::PortId& id);

}  // namespace srpd::control
