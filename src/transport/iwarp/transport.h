// Software iWARP over TCP: MPA, DDP and RDMAP in user space, both roles. An unmodified Linux
// initiator with the kernel's software iWARP driver or a hardware adapter talks to it.
#pragma once

#include <memory>

#include "transport/iwarp/options.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

/// Listeners, connectors and channels may outlive it. Any thread.
std::unique_ptr<Transport> make_transport(const IwarpOptions& options);

}  // namespace srpd::transport::iwarp
