// How hosts on IP networks find this srpd: the discovery service beside each listener, and the
// announcement by multicast DNS.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "directory/listing.h"
#include "directory/server.h"
#include "dnssd/publisher.h"
#include "runtime/bound.h"
#include "runtime/loop.h"
#include "srpd/interfaces.h"
#include "srpd/options.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::app {

class Discovery {
 public:
  ~Discovery() { loop_.cancel_timer(retry_); }
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  /// Everything on `loop`, which outlives the result. The service is reached over TCP, so that a
  /// host needs no RDMA device to ask. A default port that is taken is a warning, one that was
  /// asked for an error. An address that is not there yet is waited for.
  static Expected<std::unique_ptr<Discovery>> start(
      const Options& options, const std::vector<target::PortInfo>& ports,
      const std::vector<transport::Address>& listening, runtime::Loop& loop);

  /// These ports from now on.
  void serve(const std::vector<target::PortInfo>& ports);
  /// One more listener. As for start().
  Expected<void> add(const transport::Address& listening);
  void remove(const transport::Address& listening);
  /// `done` when no host is being answered any more, possibly at once.
  void shut_down(std::function<void()> done);
  /// Where the service answers.
  const std::vector<transport::Address>& addresses() const { return addresses_; }

 private:
  struct Listening {
    transport::Address target;
    std::uint16_t discovery_port = 0;  ///< 0: none
    bool waiting = false;              ///< until its address is there
  };

  Discovery(const Options& options, runtime::Loop& loop);

  Expected<void> listen(const transport::Address& target);
  Expected<void> answer_at(Listening& listening);
  void try_again();
  std::optional<std::uint16_t> port_answered_at(const transport::Address& wanted) const;
  void announce();
  std::shared_ptr<const directory::Listing> listing_for(const transport::Address& local) const;

  const bool enabled_;
  const std::optional<std::uint16_t> port_;
  const Announce announce_;
  const std::uint32_t max_request_iu_;
  runtime::Loop& loop_;
  discovery::IoUnit unit_;
  std::unique_ptr<transport::Transport> transport_;
  directory::Server server_;
  std::vector<Listening> listening_;
  std::vector<transport::Address> addresses_;
  std::unique_ptr<dnssd::Publisher> publisher_;
  runtime::Bound<runtime::Timer, Discovery, &Discovery::try_again> retry_{*this};
};

/// Where a listener is reached, seen by a host that came to `local`: that address first, then the
/// others where the listener takes every address.
std::vector<directory::Listener> reachable(const transport::Address& listener,
                                           const discovery::Gid& local,
                                           const std::vector<InterfaceAddress>& interfaces);

/// What multicast DNS says about a listener: nothing where only this machine reaches it and
/// `loopback_too` is not set.
std::vector<dnssd::Announcement> announcements(
    const transport::Address& listener, std::uint16_t discovery_port, const discovery::IoUnit& unit,
    const std::string& node, const std::vector<InterfaceAddress>& interfaces, bool loopback_too);

}  // namespace srpd::app
