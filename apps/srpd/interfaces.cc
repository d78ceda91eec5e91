#include "srpd/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "directory/address.h"

namespace srpd::app {
namespace {

bool fill_in(InterfaceAddress& to, const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    const in_addr ip = reinterpret_cast<const sockaddr_in&>(from).sin_addr;
    to.ipv4 = true;
    to.loopback = ntohl(ip.s_addr) >> 24 == IN_LOOPBACKNET;
    to.address[10] = to.address[11] = std::byte{0xff};
    std::memcpy(&to.address[12], &ip, sizeof ip);
    return true;
  }
  if (from.sa_family != AF_INET6) return false;
  const in6_addr ip = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
  to.loopback = IN6_IS_ADDR_LOOPBACK(&ip);
  to.link_local = IN6_IS_ADDR_LINKLOCAL(&ip);
  std::memcpy(to.address.data(), &ip, sizeof ip);
  return true;
}

}  // namespace

std::vector<InterfaceAddress> interface_addresses() {
  std::vector<InterfaceAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    InterfaceAddress address;
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    if (!fill_in(address, *each->ifa_addr)) continue;
    address.interface = each->ifa_name;
    address.index = static_cast<int>(::if_nametoindex(each->ifa_name));
    addresses.push_back(std::move(address));
  }
  ::freeifaddrs(list);
  return addresses;
}

bool takes_every_address(const discovery::Gid& address) {
  return std::all_of(address.begin() + (directory::is_ipv4(address) ? 12 : 0), address.end(),
                     [](std::byte b) { return b == std::byte{0}; });
}

bool is_there(const discovery::Gid& address) {
  // Of 127.0.0.0/8 interfaces have the first, and the machine all.
  const bool own = directory::is_ipv4(address) && address[12] == std::byte{IN_LOOPBACKNET};
  if (own || takes_every_address(address)) return true;
  const auto interfaces = interface_addresses();
  return std::any_of(interfaces.begin(), interfaces.end(),
                     [&](const auto& each) { return each.address == address; });
}

}  // namespace srpd::app
