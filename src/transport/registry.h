// The transports that exist, by name.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "transport/transport.h"

namespace srpd::transport {

struct TransportEntry {
  std::string_view name;
  std::unique_ptr<Transport> (*make)();  ///< with default options
};

/// In the order in which help texts list them.
std::span<const TransportEntry> transports();
/// Null for an unknown name.
const TransportEntry* find_transport(std::string_view name);
/// The one that an address as people write it belongs to.
const TransportEntry& transport_for(const Address& address);

}  // namespace srpd::transport
