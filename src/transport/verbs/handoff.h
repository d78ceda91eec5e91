// An accepted connection on its way to its home loop, where the queue pair is made: from then on
// IUs may arrive.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "transport/verbs/endpoint.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

struct Accepted {
  std::shared_ptr<Shared> shared;
  /// Of the listener, where that has one; it is let go of on its loop, behind the endpoint.
  std::shared_ptr<LoopState> from;
  std::unique_ptr<Endpoint> endpoint;  ///< without a handler; null: lost already
  std::shared_ptr<Device> device;
  std::vector<std::byte> private_data;
  ChannelParameters parameters;
  std::uint32_t depth = 0;      ///< RDMA Reads that the peer accepts,
  std::uint32_t resources = 0;  ///< and that it wants
  Address peer;
  std::string lost;  ///< why
};

/// The outcome is told on `home`.
void hand_off(Accepted accepted, runtime::Loop& home, ConnectRequest::Established& established);

}  // namespace srpd::transport::verbs
