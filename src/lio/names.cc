#include "lio/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_hba_name = 63;
constexpr std::size_t port_id_digits = 32;
constexpr std::array<std::string_view, 5> plugin_names{"rd_mcp", "fileio", "iblock", "pscsi",
                                                       "user"};

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_lower_hex(char c) { return is_hex(c) && !(c >= 'A' && c <= 'F'); }

/// Four groups of four digits with colons between them.
template <class Digit>
bool is_guid(std::string_view name, Digit digit) {
  if (name.size() != 19) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (i % 5 == 4 ? name[i] != ':' : !digit(name[i])) return false;
  return true;
}

bool is_port_id(std::string_view name) {
  if (name.starts_with("0x") || name.starts_with("0X")) name.remove_prefix(2);
  return !name.empty() && name.size() <= port_id_digits && name.size() % 2 == 0 &&
         std::all_of(name.begin(), name.end(), is_hex);
}

bool is_port_number(std::string_view text) { return parse_number<std::uint16_t>(text).has_value(); }

bool is_ip_address(std::string_view name) {
  in6_addr address{};
  const std::string text(name);
  if (inet_pton(AF_INET, text.c_str(), &address) == 1) return true;
  if (inet_pton(AF_INET6, text.c_str(), &address) == 1) return true;
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || !is_port_number(name.substr(colon + 1))) return false;
  std::string_view host = name.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
  }
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

}  // namespace

std::string_view plugin_name(Plugin plugin) {
  return plugin_names[static_cast<std::size_t>(plugin)];
}

tree::Result<Plugin> parse_hba_name(std::string_view name) {
  if (name.size() > max_hba_name) return tree::fail(ENAMETOOLONG, "the name is too long");
  for (std::size_t i = 0; i < plugin_names.size(); ++i) {
    const std::string_view plugin = plugin_names[i];
    if (!name.starts_with(plugin) || name.size() == plugin.size() || name[plugin.size()] != '_')
      continue;
    const auto number = parse_unsigned(name.substr(plugin.size() + 1));
    if (!number) return tl::unexpected(number.error());
    return static_cast<Plugin>(i);
  }
  return tree::fail(EINVAL, "it is not of the form TYPE_NUMBER",
                    "the types are rd_mcp, fileio, iblock, pscsi and user");
}

tree::Result<std::uint16_t> parse_lun_name(std::string_view name) {
  constexpr std::string_view prefix = "lun_";
  if (!name.starts_with(prefix)) return tree::fail(EINVAL, "it is not of the form lun_NUMBER");
  const auto number = parse_unsigned(name.substr(prefix.size()));
  if (!number) return tl::unexpected(number.error());
  if (*number > max_lun) return tree::fail(EINVAL, "LUNs of SRP end at " + std::to_string(max_lun));
  return static_cast<std::uint16_t>(*number);
}

bool is_port_name(std::string_view name) {
  if (name.size() == 2 + port_id_digits && name.starts_with("0x"))
    return std::all_of(name.begin() + 2, name.end(), is_lower_hex);
  return is_guid(name, is_lower_hex);
}

bool is_initiator_name(std::string_view name) {
  return is_port_id(name) || is_guid(name, is_hex) || is_ip_address(name);
}

}  // namespace srpd::lio
