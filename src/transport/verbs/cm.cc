#include "transport/verbs/cm.h"

#include <fmt/core.h>
#include <infiniband/ib.h>
#include <netinet/in.h>

#include <cstring>

namespace srpd::transport::verbs {
namespace {

Address address_of(const sockaddr* from) {
  Address address;
  switch (from->sa_family) {
    case AF_INET:
      address.length = sizeof(sockaddr_in);
      break;
    case AF_INET6:
      address.length = sizeof(sockaddr_in6);
      break;
    case AF_IB:
      address.length = sizeof(sockaddr_ib);
      break;
    default:
      return address;
  }
  std::memcpy(&address.storage, from, address.length);
  return address;
}

const char* meaning(rdma_cm_event_type type) {
  switch (type) {
    case RDMA_CM_EVENT_UNREACHABLE:
      return "the peer does not answer";
    case RDMA_CM_EVENT_REJECTED:
      return "rejected by the peer";
    case RDMA_CM_EVENT_CONNECT_ERROR:
      return "the connection could not be set up";
    case RDMA_CM_EVENT_DISCONNECTED:
      return "closed by the peer";
    case RDMA_CM_EVENT_DEVICE_REMOVAL:
      return "the RDMA device was removed";
    case RDMA_CM_EVENT_ADDR_ERROR:
      return "the address cannot be resolved";
    case RDMA_CM_EVENT_ROUTE_ERROR:
      return "there is no route";
    default:
      return "connection event";
  }
}

}  // namespace

Address local_address(rdma_cm_id& id) { return address_of(::rdma_get_local_addr(&id)); }

Address peer_address(rdma_cm_id& id) { return address_of(::rdma_get_peer_addr(&id)); }

std::string describe(const CmEvent& event) {
  return fmt::format("{} ({}, status {})", meaning(event.type), ::rdma_event_str(event.type),
                     event.status);
}

}  // namespace srpd::transport::verbs
