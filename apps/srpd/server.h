// The SRP target of the process and how hosts reach and find it: listeners, the discovery service,
// mDNS, Device Management. What it serves is put into its target by others, before and after.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "observe/metrics.h"
#include "service/passed_sockets.h"
#include "srpd/device_management.h"
#include "srpd/discovery.h"
#include "srpd/listen.h"
#include "srpd/loops.h"
#include "srpd/options.h"
#include "srpd/transports.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::app {

/// On the home loop, or before that runs.
class Server {
 public:
  /// Both outlive it. Takes the sockets that were passed to the process. `acl_remedy`: as
  /// target::TargetOptions has it.
  Server(const Options& options, Loops& loops, const std::string& acl_remedy);
  /// After shut_down(), or before open().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  target::Target& target() { return target_; }
  /// A Unix socket of that path that was passed to the process, now the caller's; -1: none was.
  int take_passed(const std::string& path) { return sockets_.take(path); }
  /// Memory of a disk, for adapters to know; taken back when no command uses it any more.
  void lend(runtime::PinnableMemory& memory) { transports_.lend(memory); }
  void take_back(runtime::PinnableMemory& memory) { transports_.take_back(memory); }

  /// Lets hosts in, where the options say: as ports of the target come and go, hosts are told.
  Expected<void> open();
  /// One more listener for RDMA/CM over IP at all addresses, in place of that of the last call;
  /// 0: none. Where the options name no listener it is the only one, if it is asked for before
  /// open().
  Expected<void> listen_for_rdma_cm(std::uint16_t port);
  /// Says goodbye to hosts; `done` when all are gone.
  void shut_down(std::function<void()> done);

  /// What could not be listened at when it was opened, nor since then.
  const std::vector<WaitingListener>& waiting_listeners() const { return waiting_; }
  /// Tries one of them again. `address`: what its text means now, or why it means nothing.
  void try_again(const std::string& text, const Expected<transport::Address>& address);
  /// Where hosts will be able to log in when what is missing comes; for people.
  std::vector<Error> waiting() const;

  const std::vector<transport::Address>& listening() const { return listening_; }
  std::vector<transport::Address> discovery_addresses() const;
  /// Any thread.
  observe::Sources metrics();

 private:
  Expected<void> listen(const transport::Address& address, bool again = false);
  Expected<void> listen_now_or_later(const transport::Address& address);
  void tell_ports();

  const Options& options_;
  Loops& loops_;
  service::PassedSockets sockets_;
  Transports transports_;
  target::Target target_;
  std::vector<transport::Address> listening_;
  std::vector<WaitingListener> waiting_;
  std::optional<transport::Address> rdma_cm_;  ///< what listen_for_rdma_cm() has opened
  std::uint16_t rdma_cm_port_ = 0;
  bool open_ = false;
  DeviceManagement device_management_;
  std::unique_ptr<Discovery> discovery_;  ///< from open() on
};

}  // namespace srpd::app
