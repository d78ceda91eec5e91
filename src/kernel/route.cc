#include "kernel/route.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace srpd::kernel {
namespace {

struct Destination {
  sockaddr_storage address{};
  socklen_t length = 0;
};

/// Splits "HOST:PORT" at the last colon; the host without brackets.
std::pair<std::string, std::string> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(text.substr(colon + 1))};
}

std::optional<Destination> parse(std::string_view text) {
  const auto [host, port] = split(text);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (host.empty() || ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0)
    return std::nullopt;
  Destination destination;
  destination.length = found->ai_addrlen;
  std::memcpy(&destination.address, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return destination;
}

Gid gid_of(const sockaddr& address) {
  Gid gid{};
  if (address.sa_family == AF_INET6) {
    std::memcpy(gid.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, gid.size());
  } else {
    gid[10] = gid[11] = std::byte{0xff};
    std::memcpy(&gid[12], &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  }
  return gid;
}

/// The interface that has this address; several may, then the first one that is up.
std::string interface_with(const Gid& address) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::string name;
  for (const ifaddrs* each = list; each != nullptr && name.empty(); each = each->ifa_next) {
    const bool inet = each->ifa_addr != nullptr && (each->ifa_addr->sa_family == AF_INET ||
                                                    each->ifa_addr->sa_family == AF_INET6);
    if (inet && (each->ifa_flags & IFF_UP) != 0 && gid_of(*each->ifa_addr) == address)
      name = each->ifa_name;
  }
  ::freeifaddrs(list);
  return name;
}

}  // namespace

Expected<Route> route_to(std::string_view text) {
  const auto destination = parse(text);
  if (!destination)
    return failure("address " + std::string(text), "not a numeric IP:PORT",
                   "write for example 192.0.2.1:5555 or [2001:db8::1]:5555");
  // Connecting a datagram socket looks the route up and sends nothing.
  const int fd = ::socket(destination->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure("address " + std::string(text), errno_text(errno));
  sockaddr_storage source{};
  socklen_t length = sizeof source;
  const bool found = ::connect(fd, reinterpret_cast<const sockaddr*>(&destination->address),
                               destination->length) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&source), &length) == 0;
  const int error = errno;
  ::close(fd);
  if (!found)
    return failure("address " + std::string(text), "no way there: " + errno_text(error),
                   "check the interfaces and routes of this machine (ip route get)");
  Route route;
  route.source = gid_of(reinterpret_cast<const sockaddr&>(source));
  route.interface = interface_with(route.source);
  return route;
}

}  // namespace srpd::kernel
