// Opens a port that hosts log in at.
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

/// Where the options say that hosts come in; where they say nothing: every TCP socket that was
/// passed, possibly none.
Expected<std::vector<transport::Address>> wanted_addresses(const Options& options,
                                                           const service::PassedSockets& sockets);

/// The bound address. It may wait a moment.
Expected<transport::Address> listen_at(const transport::Address& address, target::Target& target,
                                       Transports& transports,
                                       const service::PassedSockets& sockets);

}  // namespace srpd::app
