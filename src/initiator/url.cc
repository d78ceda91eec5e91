#include "initiator/url.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "initiator/lun.h"

namespace srpd::initiator {
namespace {

constexpr std::string_view scheme = "srp://";
constexpr const char* form = "write srp://HOST[:PORT]/[TARGET]/LUN, such as srp://192.0.2.1/0";

tl::unexpected<Error> bad(std::string_view url, std::string cause) {
  return failure(fmt::format("\"{}\"", url), std::move(cause), form);
}

template <class T>
std::optional<T> whole_number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Splits "HOST[:PORT]"; false when the port is no port.
bool take_authority(std::string_view authority, Url& url) {
  std::string_view port;
  const bool native = authority.starts_with("ib:[");
  if (native) {
    if (!take_authority(authority.substr(3), url)) return false;
    url.host.insert(0, "ib:");
    return true;
  }
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    url.host = authority.substr(0, close + 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port[0] != ':') return false;
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
  }
  if (port.empty()) return true;
  const auto number = whole_number<std::uint16_t>(port.substr(1), 10);
  if (!number || *number == 0) return false;
  url.port = *number;
  return true;
}

std::optional<std::uint64_t> parse_lun(std::string_view text) {
  if (text.starts_with("0x")) return whole_number<std::uint64_t>(text.substr(2), 16);
  const auto number = whole_number<std::uint32_t>(text, 10);
  if (!number || *number > max_lun_number) return std::nullopt;
  return lun_from_number(*number);
}

}  // namespace

std::optional<srp::PortId> parse_port_id(std::string_view text) {
  std::string digits(text.starts_with("0x") ? text.substr(2) : text);
  std::erase(digits, ':');
  if (digits.size() == 16) digits += digits;
  if (digits.size() != 32) return std::nullopt;
  srp::PortId id{};
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto byte = whole_number<std::uint8_t>(std::string_view(digits).substr(2 * i, 2), 16);
    if (!byte) return std::nullopt;
    id[i] = static_cast<std::byte>(*byte);
  }
  return id;
}

std::string text_of(const srp::PortId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Expected<Url> Url::parse(std::string_view text) {
  if (!text.starts_with(scheme)) return bad(text, "not an srp:// URL");
  std::string_view rest = text.substr(scheme.size());
  Url url;
  const std::size_t slash = rest.find('/');
  if (!take_authority(rest.substr(0, slash), url))
    return bad(text, "the host or port is malformed");
  if (url.host.empty()) return bad(text, "the host is missing");
  if (slash == std::string_view::npos) return url;

  rest.remove_prefix(slash + 1);
  if (rest.empty()) return url;
  std::string_view lun = rest;
  if (const std::size_t second = rest.find('/'); second != std::string_view::npos) {
    const std::string_view target = rest.substr(0, second);
    lun = rest.substr(second + 1);
    if (!target.empty()) {
      url.target = parse_port_id(target);
      if (!url.target)
        return bad(text,
                   fmt::format("the target \"{}\" is not 16 or 32 hexadecimal digits", target));
    }
    if (lun.empty()) return url;
  }
  url.lun = parse_lun(lun);
  if (!url.lun)
    return bad(text,
               fmt::format("the LUN \"{}\" is not a number from 0 to {}, nor 0x and the eight "
                           "bytes",
                           lun, max_lun_number));
  return url;
}

std::string Url::endpoint() const { return fmt::format("{}:{}", host, port); }

std::string Url::text() const {
  std::string out = std::string(scheme) + host;
  if (port != default_port) out += fmt::format(":{}", port);
  if (target) out += "/" + text_of(*target);
  if (lun) {
    const auto number = number_of_lun(*lun);
    out += number ? fmt::format("/{}", *number) : fmt::format("/0x{:016x}", *lun);
  } else if (target) {
    out += "/";
  }
  return out;
}

}  // namespace srpd::initiator
