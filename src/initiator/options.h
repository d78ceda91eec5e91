// How a Session connects and behaves.
#pragma once

#include <chrono>
#include <cstdint>

#include "srp/login.h"
#include "transport/transport.h"

namespace srpd::initiator {

/// How data buffers are described to the target. The others than `direct` exist to test targets
/// with everything that SRP allows.
enum class Descriptors : std::uint8_t {
  direct,    ///< one descriptor
  indirect,  ///< a table of segments, all of it in the IU
  external,  ///< a table of segments in our memory, the first `descriptors_in_iu` of it in the IU
};

struct SessionOptions {
  transport::Address address;
  srp::PortId initiator{};
  srp::PortId target{};  ///< zero: the target's choice

  std::uint32_t channels = 1;
  std::uint32_t queue_depth = 128;   ///< commands under way per channel; fewer when credits are few
  std::uint32_t max_queued = 65536;  ///< commands waiting in the session

  bool immediate_data = true;
  std::uint32_t max_immediate_bytes = 8192;
  Descriptors descriptors = Descriptors::direct;
  std::uint32_t segment_bytes = 4096;   ///< indirect, external
  std::uint32_t max_segments = 256;     ///< indirect, external; more data: -EMSGSIZE
  std::uint32_t descriptors_in_iu = 0;  ///< external

  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds command_timeout{30'000};
  std::chrono::milliseconds task_management_timeout{5'000};

  /// Reconnect after a loss. The first connection is tried once.
  bool reconnect = true;
  std::chrono::milliseconds first_backoff{50};
  std::chrono::milliseconds longest_backoff{5'000};
  /// Without a connection for this long the session is over; 0: never.
  std::chrono::milliseconds give_up_after{0};
};

/// Plain counters, for status output and checks.
struct SessionCounters {
  std::uint64_t commands = 0;      ///< SRP_CMDs sent
  std::uint64_t responses = 0;     ///< SRP_RSPs that matched
  std::uint64_t unknown_tags = 0;  ///< SRP_RSPs that answer nothing: a bug of the target
  std::uint64_t late_answers = 0;  ///< to task management that timed out
  std::uint64_t credit_requests = 0;
  std::uint64_t async_events = 0;
  std::uint64_t connects = 0;
  std::uint64_t reissued = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t aborts = 0;
  std::uint64_t resets = 0;
};

}  // namespace srpd::initiator
