// Reliable connections over RDMA adapters, through libibverbs and librdmacm: RoCE, iWARP, and
// InfiniBand with or without IP.
#pragma once

#include <memory>

#include "transport/transport.h"
#include "transport/verbs/options.h"

namespace srpd::transport::verbs {

/// Listeners, connectors and channels may outlive it. Any thread. Touches no device before the
/// first listener or connector.
std::unique_ptr<Transport> make_transport(const VerbsOptions& options);

}  // namespace srpd::transport::verbs
