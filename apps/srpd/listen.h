// Opens the port of every --listen.
#pragma once

#include <vector>

#include "base/error.h"
#include "service/passed_sockets.h"
#include "srpd/options.h"
#include "srpd/transports.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::app {

/// Waits a moment while another socket has this address: that of a daemon that has just died.
void wait_until_free(const transport::Address& address);

/// The bound addresses, in the order of the options. Where these say nothing: every TCP socket that
/// was passed, else loopback. Before the loops run: it may wait a moment.
Expected<std::vector<transport::Address>> listen_everywhere(const Options& options,
                                                            target::Target& target,
                                                            Transports& transports,
                                                            const service::PassedSockets& sockets);

}  // namespace srpd::app
