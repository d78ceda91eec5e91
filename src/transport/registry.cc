#include "transport/registry.h"

#include <infiniband/ib.h>

#include "transport/iwarp/transport.h"
#include "transport/local/local_transport.h"
#include "transport/verbs/transport.h"

namespace srpd::transport {
namespace {

constexpr TransportEntry entries[] = {
    {"iwarp", [] { return iwarp::make_transport({}); }},
    {"verbs", [] { return verbs::make_transport({}); }},
    {"local", []() -> std::unique_ptr<Transport> { return std::make_unique<LocalTransport>(); }},
};

}  // namespace

std::span<const TransportEntry> transports() { return entries; }

const TransportEntry* find_transport(std::string_view name) {
  for (const TransportEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

const TransportEntry& transport_for(const Address& address) {
  const bool rdma = address.rdma || address.storage.ss_family == AF_IB;
  return *find_transport(!address.local_name.empty() ? "local" : rdma ? "verbs" : "iwarp");
}

}  // namespace srpd::transport
