// The one DNS record that systemd-resolved hands over as it stands on the wire. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace srpd::dnssd {

/// The instance that a PTR record of a service type names: the first label of its data (RFC 1035
/// 3.3.12, RFC 6763 4.1). Nothing when it is cut short, compressed or another record.
std::optional<std::string> instance_of_pointer(std::span<const std::uint8_t> record);

}  // namespace srpd::dnssd
