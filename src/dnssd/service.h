// DNS-based service discovery (RFC 6763) of SRP targets: what is announced and what is found.
// Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace srpd::dnssd {

inline constexpr const char* service_type = "_srp._tcp";

/// Keys of a TXT record with their values; keys are lower case (RFC 6763 6.4).
using Txt = std::map<std::string, std::string>;

/// An entry "KEY=VALUE" of a TXT record goes into `txt`, unless it is malformed or its key is there
/// already (RFC 6763 6.4).
void add_txt_entry(Txt& txt, std::span<const std::uint8_t> entry);
/// "KEY=VALUE" for each; at most 255 bytes each.
std::vector<std::string> txt_entries(const Txt& txt);

/// An instance name: at most 63 bytes, cut at a character's end (RFC 6763 4.1.1).
std::string instance_name(std::string_view text);

/// Which addresses a service is announced with.
enum class Family : std::uint8_t { any, ipv4, ipv6 };

struct Announcement {
  std::string name;  ///< instance_name()
  std::uint16_t port = 0;
  Txt txt;
  int interface = 0;  ///< index; 0: every one
  Family family = Family::any;
};

/// A service, resolved.
struct Found {
  std::string name;
  std::string host;     ///< its name
  std::string address;  ///< numeric; link-local ones with their interface
  std::uint16_t port = 0;
  Txt txt;

  friend bool operator==(const Found&, const Found&) = default;
};

}  // namespace srpd::dnssd
