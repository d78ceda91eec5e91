#include "srpd/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>

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

}  // namespace srpd::app
