#include "adapter/devices.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <rdma/rdma_cma.h>

#include <cstdlib>
#include <cstring>

namespace srpd::transport::test {
namespace {

// RDMA/CM finds the device of an address when an identifier is bound to it.
bool has_device(sockaddr* address) {
  rdma_event_channel* const channel = ::rdma_create_event_channel();
  if (channel == nullptr) return false;
  rdma_cm_id* id = nullptr;
  bool found = false;
  if (::rdma_create_id(channel, &id, nullptr, RDMA_PS_TCP) == 0) {
    found = ::rdma_bind_addr(id, address) == 0 && id->verbs != nullptr;
    ::rdma_destroy_id(id);
  }
  ::rdma_destroy_event_channel(channel);
  return found;
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                sizeof text);
  else
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
                sizeof text);
  return text;
}

bool usable(const ifaddrs& entry, bool ipv6) {
  if (entry.ifa_addr == nullptr || entry.ifa_addr->sa_family != (ipv6 ? AF_INET6 : AF_INET) ||
      (entry.ifa_flags & IFF_LOOPBACK) != 0)
    return false;
  // A link-local address says nothing without its interface.
  return !ipv6 ||
         !IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr);
}

}  // namespace

std::string adapter_source() {
  const char* const given = std::getenv("ADAPTER_SOURCE");
  return given == nullptr ? "" : given;
}

std::string adapter_address(bool ipv6) {
  const char* const given = std::getenv("ADAPTER_ADDRESS");
  if (given != nullptr && (std::strchr(given, ':') != nullptr) == ipv6) return given;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::string found;
  for (const ifaddrs* entry = all; entry != nullptr && found.empty(); entry = entry->ifa_next) {
    if (usable(*entry, ipv6) && has_device(entry->ifa_addr)) found = text_of(entry->ifa_addr);
  }
  ::freeifaddrs(all);
  return found;
}

}  // namespace srpd::transport::test
