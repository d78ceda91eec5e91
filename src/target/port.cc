#include "target/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace srpd::target {
namespace {

constexpr std::size_t port_id_digits = 2 * sizeof(scsi::PortId);
// "xxxx:xxxx:xxxx:xxxx"
constexpr std::size_t guid_text_length = 19;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return digit_of(c) >= 0; });
}

// Right-aligned, zero in front, as LIO reads them.
std::optional<scsi::PortId> parse_port_id(std::string_view digits) {
  if (digits.empty() || digits.size() > port_id_digits || !all_hex(digits)) return std::nullopt;
  scsi::PortId id{};
  std::size_t place = port_id_digits - digits.size();
  for (const char c : digits) {
    const int value = digit_of(c) << (place % 2 == 0 ? 4 : 0);
    id[place / 2] |= static_cast<std::byte>(value);
    ++place;
  }
  return id;
}

bool is_guid(std::string_view text) {
  if (text.size() != guid_text_length) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool colon = i % 5 == 4;
    if (colon ? text[i] != ':' : digit_of(text[i]) < 0) return false;
  }
  return true;
}

std::array<std::byte, 8> guid_of(std::string_view text) {
  std::array<std::byte, 8> guid{};
  std::size_t nibble = 0;
  for (const char c : text) {
    if (c == ':') continue;
    guid[nibble / 2] |= static_cast<std::byte>(digit_of(c) << (nibble % 2 == 0 ? 4 : 0));
    ++nibble;
  }
  return guid;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

// The text inet_ntop would print, with the interface of a link-local address; nothing when it is no
// address.
std::optional<std::string> canonical_address(std::string_view text) {
  const std::size_t scope = std::min(text.find('%'), text.size());
  const std::string terminated(text.substr(0, scope));
  char out[INET6_ADDRSTRLEN];
  in_addr v4;
  if (scope == text.size() && inet_pton(AF_INET, terminated.c_str(), &v4) == 1) {
    inet_ntop(AF_INET, &v4, out, sizeof out);
    return out;
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, terminated.c_str(), &v6) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6))
    inet_ntop(AF_INET, v6.s6_addr + 12, out, sizeof out);
  else
    inet_ntop(AF_INET6, &v6, out, sizeof out);
  return out + std::string(text.substr(scope));
}

}  // namespace

std::string hex_digits(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 0x0f];
  }
  return text;
}

Expected<AclKey> AclKey::parse(std::string_view text) {
  AclKey key;
  key.text_ = text;
  if (is_guid(text)) {
    key.host_ = lower(text);
    key.guid_ = guid_of(text);
    return key;
  }
  if (auto address = canonical_address(text)) {
    key.host_ = *address;
    return key;
  }
  std::string_view digits = text;
  if (text.starts_with("0x") || text.starts_with("0X"))
    digits.remove_prefix(2);
  else if (text.starts_with("ib."))
    digits.remove_prefix(3);
  key.port_id_ = parse_port_id(digits);
  if (key.port_id_) return key;
  return failure(
      "ACL " + std::string(text), "this names no initiator",
      "use an IP address, 0x and up to 32 hex digits of the initiator port id, or a GUID "
      "xxxx:xxxx:xxxx:xxxx");
}

scsi::PortId AclKey::port_id() const {
  scsi::PortId id = port_id_.value_or(scsi::PortId{});
  if (guid_) std::copy(guid_->begin(), guid_->end(), id.begin() + 8);
  return id;
}

std::size_t AclKey::unknown_bytes() const {
  if (port_id_) return 0;
  return guid_ ? sizeof(Guid) : sizeof(scsi::PortId);
}

bool AclKey::matches(const scsi::PortId& initiator, std::string_view host) const {
  if (port_id_) return *port_id_ == initiator;
  if (guid_ && std::equal(guid_->begin(), guid_->end(), initiator.begin() + 8)) return true;
  // Without an interface a link-local address is meant on every link, as LIO has it.
  return host_ == host || (!host_.empty() && host_ == host.substr(0, host.find('%')));
}

Expected<void> check(const PortLimits& limits) {
  const auto within = [](const char* name, std::uint32_t value, std::uint32_t lowest,
                         std::uint32_t highest) -> Expected<void> {
    if (value >= lowest && value <= highest) return {};
    return failure(name, "the value " + std::to_string(value) + " is not possible",
                   "use " + std::to_string(lowest) + " to " + std::to_string(highest));
  };
  if (auto good = within("srp_max_rsp_size", limits.max_rsp_size, 40, 1024); !good) return good;
  if (auto good = within("srp_max_rdma_size", limits.max_rdma_size, 65536, 16777216); !good)
    return good;
  return within("srp_sq_size", limits.sq_size, 4, 65535);
}

}  // namespace srpd::target
