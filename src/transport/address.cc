// Addresses as people write and read them. Resolving a name may wait for the name service: for
// configuration and the start of clients, never on the data path.
#include <arpa/inet.h>
#include <endian.h>
#include <fmt/core.h>
#include <infiniband/ib.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "transport/transport.h"

namespace srpd::transport {
namespace {

constexpr std::string_view local_prefix = "local:";
constexpr std::string_view rdma_prefix = "rdma:";
constexpr std::string_view infiniband_prefix = "ib:";
constexpr std::string_view own_cm_prefix = "ibcm:";

// The socket address as the type its family says; storage is suitably aligned for all.
template <class T>
const T& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const T&>(storage);
}

std::uint16_t port_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_IB)
    return static_cast<std::uint16_t>(be64toh(as<sockaddr_ib>(storage).sib_sid));
  return storage.ss_family == AF_INET6 ? ntohs(as<sockaddr_in6>(storage).sin6_port)
                                       : ntohs(as<sockaddr_in>(storage).sin_port);
}

// "%eth0" behind an address that means something on one link only.
std::string scope_text(const sockaddr_in6& address) {
  if (address.sin6_scope_id == 0) return {};
  char name[IF_NAMESIZE] = "";
  if (if_indextoname(address.sin6_scope_id, name) == nullptr)
    return fmt::format("%{}", address.sin6_scope_id);
  return fmt::format("%{}", name);
}

bool lacks_scope(const sockaddr_storage& storage) {
  if (storage.ss_family != AF_INET6) return false;
  const auto& address = as<sockaddr_in6>(storage);
  return IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) && address.sin6_scope_id == 0;
}

tl::unexpected<Error> malformed(std::string_view text, std::string cause) {
  return failure(
      "address \"" + std::string(text) + "\"", std::move(cause),
      "write HOST[:PORT], such as 192.0.2.1:5555 or [2001:db8::1]:5555; rdma:HOST[:PORT] "
      "or ib[:PORT] for RDMA adapters");
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

Expected<Address> resolve(std::string_view text, const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = getaddrinfo(host.c_str(), nullptr, &hints, &found); rc != 0)
    return failure("address \"" + std::string(text) + "\"",
                   "host " + host + ": " + gai_strerror(rc), "check the name, or write the number",
                   EAGAIN);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  if (lacks_scope(address.storage))
    return failure("address \"" + std::string(text) + "\"",
                   "a link-local address means something on one link only",
                   "add its interface, such as [" + host + "%eth0]");
  if (address.storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  }
  return address;
}

Address infiniband_address(const in6_addr& gid, std::uint16_t port) {
  Address address;
  sockaddr_ib to{};
  to.sib_family = AF_IB;
  to.sib_pkey = htobe16(0xffff);
  std::memcpy(&to.sib_addr, &gid, sizeof gid);
  to.sib_sid = htobe64(infiniband_service_id(port));
  to.sib_sid_mask = UINT64_MAX;
  std::memcpy(&address.storage, &to, sizeof to);
  address.length = sizeof to;
  return address;
}

std::string infiniband_host(const sockaddr_storage& storage) {
  const auto& guid = as<sockaddr_ib>(storage).sib_addr.sib_addr16;
  return fmt::format("{:04x}:{:04x}:{:04x}:{:04x}", be16toh(guid[4]), be16toh(guid[5]),
                     be16toh(guid[6]), be16toh(guid[7]));
}

// "ib:5555" of every port, "ib:[GID]:5555" of one.
std::string infiniband_text(const sockaddr_storage& storage) {
  const auto& gid = as<sockaddr_ib>(storage).sib_addr;
  const in6_addr nowhere{};
  char text[INET6_ADDRSTRLEN] = "";
  std::string host;
  if (std::memcmp(&gid, &nowhere, sizeof nowhere) != 0 &&
      inet_ntop(AF_INET6, &gid, text, sizeof text) != nullptr)
    host = fmt::format("[{}]:", text);
  return fmt::format("{}{}{}", infiniband_prefix, host, port_of(storage));
}

/// What is behind "ibcm:": a service ID, such as the GUID of an I/O controller, and a device.
Expected<Address> parse_own_cm(std::string_view text, std::string_view rest) {
  const std::size_t at = rest.find('@');
  const std::string device(at == std::string_view::npos ? "" : rest.substr(at + 1));
  if (at != std::string_view::npos && device.empty())
    return malformed(text, "the name of the device is missing");
  rest = rest.substr(0, at);
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), id, 16);
  if (rest.size() != 16 || error != std::errc{} || end != rest.data() + rest.size())
    return malformed(text, "a service ID has 16 hex digits, such as 0002c903000e8acc");
  // Volume 1, annex A3: the operating system gives those out by itself.
  if (id >> 56 == 0x02) return malformed(text, "service IDs that begin with 02 are reserved");
  Address address = infiniband_address({}, 0);
  reinterpret_cast<sockaddr_ib&>(address.storage).sib_sid = htobe64(id);
  address.own_cm = true;
  address.device = device;
  return address;
}

/// What is behind "ib": nothing, ":PORT", ":[GID]" or ":[GID]:PORT".
Expected<Address> parse_infiniband(std::string_view text, std::string_view rest,
                                   std::uint16_t default_port) {
  in6_addr gid{};
  if (rest.starts_with(":[")) {
    const std::size_t close = rest.find(']');
    const std::string number(rest.substr(2, close == std::string_view::npos ? close : close - 2));
    if (close == std::string_view::npos || inet_pton(AF_INET6, number.c_str(), &gid) != 1)
      return malformed(text, "no GID such as [fe80::2:c903:e:8acd]");
    rest = rest.substr(close + 1);
  }
  if (rest.empty()) return infiniband_address(gid, default_port);
  const auto port = rest[0] == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return malformed(text, "the port is not a number from 0 to 65535");
  return infiniband_address(gid, *port);
}

}  // namespace

std::string Address::host() const {
  if (!local_name.empty()) return local_name;
  if (storage.ss_family == AF_IB) return infiniband_host(storage);
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const in6_addr& ip = as<sockaddr_in6>(storage).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&ip)) {
      inet_ntop(AF_INET, &ip.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &ip, text, sizeof text);
      return text + scope_text(as<sockaddr_in6>(storage));
    }
  } else if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &as<sockaddr_in>(storage).sin_addr, text, sizeof text);
  }
  return text;
}

LoginForm Address::login_form() const {
  return storage.ss_family == AF_IB ? LoginForm::ib_cm : LoginForm::rdma_cm;
}

std::string Address::text() const {
  if (!local_name.empty()) return std::string(local_prefix) + local_name;
  if (own_cm)
    return fmt::format("{}{:016x}{}{}", own_cm_prefix, be64toh(as<sockaddr_ib>(storage).sib_sid),
                       device.empty() ? "" : "@", device);
  if (storage.ss_family == AF_IB) return infiniband_text(storage);
  const std::string name = host();
  const bool brackets = name.find(':') != std::string::npos;
  return (rdma ? std::string(rdma_prefix) : "") + (brackets ? "[" + name + "]" : name) + ":" +
         std::to_string(port_of(storage));
}

Expected<Address> Address::parse(std::string_view text, std::uint16_t default_port) {
  if (text.starts_with(local_prefix)) {
    Address address;
    address.local_name = text.substr(local_prefix.size());
    if (address.local_name.empty()) return malformed(text, "the name is missing");
    return address;
  }
  if (text.starts_with(own_cm_prefix)) return parse_own_cm(text, text.substr(own_cm_prefix.size()));
  if (text == "ib" || text.starts_with(infiniband_prefix))
    return parse_infiniband(text, text.substr(2), default_port);
  if (text.starts_with(rdma_prefix)) {
    const std::string_view rest = text.substr(rdma_prefix.size());
    // Every device, over both kinds of IP.
    const bool any = rest == "*" || rest.starts_with("*:");
    auto address =
        parse(any ? "[::]" + std::string(rest.substr(1)) : std::string(rest), default_port);
    if (!address) return tl::make_unexpected(address.error());
    if (address->storage.ss_family != AF_INET && address->storage.ss_family != AF_INET6)
      return malformed(text, "this is no IP address");
    address->rdma = true;
    return address;
  }
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return malformed(text, "the ']' is missing");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port[0] != ':') return malformed(text, "no ':' after the ']'");
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    // More than one: an IPv6 address without brackets and port.
    if (text.find(':', colon + 1) == std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon);
    }
  }
  if (host.empty()) return malformed(text, "the host is missing");
  std::uint16_t number = default_port;
  if (!port.empty()) {
    const auto parsed = parse_port(port.substr(1));
    if (!parsed) return malformed(text, "the port is not a number from 0 to 65535");
    number = *parsed;
  }
  return resolve(text, std::string(host), number);
}

}  // namespace srpd::transport
