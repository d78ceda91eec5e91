#include "kernel/login_string.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace srpd::kernel {
namespace {

/// What ib_srp of Linux 6.x takes besides the address of the target.
constexpr std::array<std::string_view, 13> known_options{
    "max_sect",       "max_cmd_per_lun", "target_can_queue", "io_class",    "initiator_ext",
    "cmd_sg_entries", "allow_ext_sg",    "sg_tablesize",     "comp_vector", "tl_retry_count",
    "ch_count",       "queue_size",      "max_it_iu_size"};

template <class T>
bool number(std::string_view text, int base, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

bool hexadecimal(std::string_view text, std::uint64_t& value) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  return number(text, 16, value);
}

tl::unexpected<Error> bad(std::string_view text, std::string cause) {
  return failure(fmt::format("login \"{}\"", text), std::move(cause),
                 "write id_ext=HEX,ioc_guid=HEX,dest=IP:PORT or "
                 "id_ext=HEX,ioc_guid=HEX,dgid=HEX,pkey=ffff,service_id=HEX");
}

bool is_option(std::string_view name) {
  return std::find(known_options.begin(), known_options.end(), name) != known_options.end();
}

tl::unexpected<Error> unknown_option(std::string_view name) {
  return failure(fmt::format("option \"{}\"", name), "ib_srp does not know it",
                 fmt::format("choose of {}", fmt::join(known_options, ", ")));
}

/// The parts between commas, without empty ones.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(",\n");
    const std::string_view part = text.substr(0, end);
    if (!part.empty()) parts.push_back(part);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return parts;
}

LoginString::Option pair_of(std::string_view part) {
  const std::size_t sign = part.find('=');
  if (sign == std::string_view::npos) return {std::string(part), {}};
  return {std::string(part.substr(0, sign)), std::string(part.substr(sign + 1))};
}

/// The fields met while parsing.
struct Fields {
  LoginString login;
  InfinibandPath path;
  bool id_ext = false, ioc_guid = false, dgid = false, service_id = false;

  /// What is wrong with it, or null.
  const char* take(const LoginString::Option& option);
};

const char* Fields::take(const LoginString::Option& option) {
  const auto& [name, value] = option;
  std::uint64_t parsed = 0;
  if (name == "id_ext") {
    id_ext = hexadecimal(value, login.id_ext);
    return id_ext ? nullptr : "id_ext is no number of up to 16 hexadecimal digits";
  }
  if (name == "ioc_guid") {
    ioc_guid = hexadecimal(value, login.ioc_guid);
    return ioc_guid ? nullptr : "ioc_guid is no number of up to 16 hexadecimal digits";
  }
  if (name == "service_id") {
    service_id = hexadecimal(value, path.service_id);
    return service_id ? nullptr : "service_id is no number of up to 16 hexadecimal digits";
  }
  if (name == "pkey") {
    if (!hexadecimal(value, parsed) || parsed > 0xffff)
      return "pkey is no 16-bit hexadecimal number";
    path.pkey = static_cast<std::uint16_t>(parsed);
    return nullptr;
  }
  if (name == "dgid") {
    const auto gid = parse_gid(value);
    if (!gid) return "dgid is not 32 hexadecimal digits";
    path.dgid = *gid;
    dgid = true;
    return nullptr;
  }
  if (name == "dest") {
    login.dest = value;
    return value.find(':') == std::string::npos ? "dest is not IP:PORT" : nullptr;
  }
  login.options.push_back(option);
  return nullptr;
}

}  // namespace

std::optional<Gid> parse_gid(std::string_view text) {
  Gid gid;
  if (text.find(':') != std::string_view::npos) {
    if (::inet_pton(AF_INET6, std::string(text).c_str(), gid.data()) != 1) return std::nullopt;
    return gid;
  }
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text.size() != 2 * gid.size()) return std::nullopt;
  for (std::size_t i = 0; i < gid.size(); ++i) {
    std::uint8_t byte = 0;
    if (!number(text.substr(2 * i, 2), 16, byte)) return std::nullopt;
    gid[i] = std::byte{byte};
  }
  return gid;
}

std::string LoginString::place() const {
  if (!path) return "dest=" + dest;
  return fmt::format("dgid={},pkey={:04x},service_id={:016x}", discovery::hex(path->dgid),
                     path->pkey, path->service_id);
}

std::string LoginString::text() const {
  std::string text = fmt::format("id_ext={:016x},ioc_guid={:016x},{}", id_ext, ioc_guid, place());
  for (const auto& [name, value] : options) text += "," + name + "=" + value;
  return text;
}

Expected<LoginString> parse_login_string(std::string_view text) {
  Fields fields;
  for (const std::string_view part : split(text)) {
    const LoginString::Option option = pair_of(part);
    const std::size_t before = fields.login.options.size();
    if (const char* const cause = fields.take(option)) return bad(text, cause);
    const bool other = fields.login.options.size() > before;
    if (other && option.first != "src" && !is_option(option.first))
      return unknown_option(option.first);
  }
  if (!fields.id_ext || !fields.ioc_guid) return bad(text, "id_ext or ioc_guid is missing");
  if (fields.login.dest.empty() == !fields.dgid)
    return bad(text, "it needs either dest, or dgid and service_id");
  if (fields.dgid && !fields.service_id) return bad(text, "service_id is missing");
  if (fields.dgid) fields.login.path = fields.path;
  return fields.login;
}

Expected<std::vector<LoginString::Option>> parse_login_options(std::string_view text) {
  std::vector<LoginString::Option> options;
  for (const std::string_view part : split(text)) {
    LoginString::Option option = pair_of(part);
    if (!is_option(option.first)) return unknown_option(option.first);
    if (option.second.empty())
      return failure(fmt::format("option \"{}\"", part), "the value is missing",
                     fmt::format("write {}=VALUE", option.first));
    options.push_back(std::move(option));
  }
  return options;
}

}  // namespace srpd::kernel
