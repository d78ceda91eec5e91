#include "transport/registry.h"

#include "transport/iwarp/transport.h"
#include "transport/local/local_transport.h"

namespace srpd::transport {
namespace {

constexpr TransportEntry entries[] = {
    {"iwarp", [] { return iwarp::make_transport({}); }},
    {"local", []() -> std::unique_ptr<Transport> { return std::make_unique<LocalTransport>(); }},
};

}  // namespace

std::span<const TransportEntry> transports() { return entries; }

const TransportEntry* find_transport(std::string_view name) {
  for (const TransportEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

}  // namespace srpd::transport
