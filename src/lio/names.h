// Names of directories that stand for something else: HBAs, ports, initiators, LUNs.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lio/device_spec.h"
#include "tree/failure.h"

namespace srpd::lio {

/// SRP's flat LUN addressing ends here (SAM-5 4.7.7.3).
inline constexpr std::uint64_t max_lun = 16383;

/// LIO's name, as in the HBA's directory and in hba_info.
std::string_view plugin_name(Plugin plugin);

/// "rd_mcp_0": the plugin. EINVAL, ENAMETOOLONG as the kernel.
tree::Result<Plugin> parse_hba_name(std::string_view name);

/// "lun_7". EINVAL, also beyond max_lun; ERANGE over 64 bits.
tree::Result<std::uint16_t> parse_lun_name(std::string_view name);

/// The two forms in lower case: "0x" and 32 hex digits, or "xxxx:xxxx:xxxx:xxxx".
bool is_port_name(std::string_view name);

/// A port identifier in hex digits with or without 0x, a port GUID, an IP address with or without
/// port.
bool is_initiator_name(std::string_view name);

}  // namespace srpd::lio
