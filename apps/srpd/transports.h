// The transports of the process, each made when the first address needs it.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/pinnable_memory.h"
#include "service/passed_sockets.h"
#include "srpd/options.h"
#include "transport/transport.h"

namespace srpd::app {

/// On the home loop, or before that runs.
class Transports {
 public:
  /// A listener at the address of one of `sockets` takes it.
  Transports(const Options& options, service::PassedSockets& sockets)
      : options_(options), sockets_(sockets) {}

  /// Of a disk, until it is taken back, before which no command may use it any more.
  void lend(runtime::PinnableMemory& memory);
  void take_back(runtime::PinnableMemory& memory);
  /// The one that `address` belongs to.
  transport::Transport& for_address(const transport::Address& address);
  std::vector<transport::CompletionVectorCount> completion_vectors() const;

 private:
  std::unique_ptr<transport::Transport> make(std::string_view name) const;

  const Options& options_;
  service::PassedSockets& sockets_;
  std::vector<runtime::PinnableMemory*> memory_;  // of the disks
  std::map<std::string_view, std::unique_ptr<transport::Transport>> made_;
};

}  // namespace srpd::app
