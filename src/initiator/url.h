// The address of a disk: srp://HOST[:PORT]/[TARGET]/LUN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "srp/login.h"

namespace srpd::initiator {

inline constexpr std::uint16_t default_port = 5555;

/// HOST is a name, an IPv4 address, an IPv6 address in brackets, or ib:[GID] for a port of
/// InfiniBand without IP. TARGET is the target port identifier in hexadecimal: 32 digits (id_ext
/// and ioc_guid), or 16 where both are equal; without it the daemon's first target is meant. LUN is
/// a decimal number, or 0x and the eight bytes in hexadecimal. "srp://HOST/LUN" is short for
/// "srp://HOST//LUN"; "srp://HOST" names the host alone.
struct Url {
  std::string host;
  std::uint16_t port = default_port;
  std::optional<srp::PortId> target;
  std::optional<std::uint64_t> lun;  ///< eight bytes as an integer

  static Expected<Url> parse(std::string_view text);

  /// "HOST:PORT", for transport::Address::parse().
  std::string endpoint() const;
  /// The canonical form. The port is left out when it is the default.
  std::string text() const;
};

/// 16 or 32 hexadecimal digits, with or without 0x and separating colons.
std::optional<srp::PortId> parse_port_id(std::string_view text);
/// 32 hexadecimal digits.
std::string text_of(const srp::PortId& id);

}  // namespace srpd::initiator
