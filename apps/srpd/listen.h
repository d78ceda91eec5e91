// Opens a port that hosts log in at.
#pragma once

#include <string>
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

/// A --listen that cannot be done yet: no name service knows the host, its link is not there, or
/// somebody else has the port.
struct WaitingListener {
  std::string text;  ///< for parse_listen()
  Error why;
};

struct WantedAddresses {
  std::vector<transport::Address> addresses;
  std::vector<WaitingListener> waiting;
};

/// Where the options say that hosts come in; where they say nothing: every TCP socket that was
/// passed, possibly none. Unknown hosts are an error where nobody would look for them again.
Expected<WantedAddresses> wanted_addresses(const Options& options,
                                           const service::PassedSockets& sockets);

/// What a --listen says; may ask the name service. Error::number is EAGAIN where the host may
/// become known later.
Expected<transport::Address> parse_listen(const std::string& text);

/// The bound address. It may wait a moment for a port that is in use, unless it is `again`.
Expected<transport::Address> listen_at(const transport::Address& address, target::Target& target,
                                       Transports& transports,
                                       const service::PassedSockets& sockets, bool again);

}  // namespace srpd::app
