// Messages of the InfiniBand communication manager (volume 1, 12.6): from and to 256 bytes. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "wire/cm.h"

namespace srpd::ibcm {

using Mad = std::array<std::byte, wire::mad::size>;
using Gid = std::array<std::byte, 16>;
using Time = std::chrono::nanoseconds;
using wire::cm::About;
using wire::cm::Message;
using wire::cm::Reason;

/// Times on the wire: 4.096 us times a power of two (12.7.24 and others).
constexpr Time time_of(std::uint8_t exponent) {
  return Time{std::int64_t{4096} << (exponent & 0x1f)};
}

/// A REQ: what the responder needs of it.
struct Request {
  std::uint32_t id = 0;  ///< the requester's communication ID
  std::uint64_t service = 0;
  std::uint64_t ca_guid = 0;
  std::uint32_t queue_pair = 0;
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t response_timeout = 0;  ///< how long the requester waits for an answer
  std::uint8_t local_timeout = 0;     ///< how long its own answers take
  std::uint8_t transport_service = 0;
  std::uint32_t starting_psn = 0;
  std::uint8_t retry_count = 0;
  std::uint8_t rnr_retry_count = 0;
  std::uint8_t max_retries = 0;
  std::uint16_t pkey = 0;
  std::uint8_t mtu = 0;
  std::uint16_t requester_lid = 0;
  Gid requester_gid{};
  Gid responder_gid{};
  bool routed = false;
  std::uint32_t flow_label = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 0;
  std::uint8_t service_level = 0;
  std::uint8_t ack_timeout = 0;
  std::array<std::byte, 92> private_data{};
};

/// A REP of ours.
struct Answer {
  std::uint32_t queue_pair = 0;
  std::uint32_t starting_psn = 0;  ///< that the requester shall begin with
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t rnr_retry_count = 0;
  bool shared_receives = false;
  std::span<const std::byte> private_data{};  ///< at most 196 bytes
};

struct Rejected {
  std::uint32_t id = 0, remote_id = 0;  ///< of the sender, of the receiver; as in all that follow
  About about{};
  std::uint16_t reason = 0;
};
struct Acknowledged {
  std::uint32_t id = 0, remote_id = 0;
  About about{};
  std::uint8_t service_timeout = 0;
};
struct Ready {
  std::uint32_t id = 0, remote_id = 0;
};
struct Disconnecting {
  std::uint32_t id = 0, remote_id = 0;
  std::uint32_t queue_pair = 0;
};
struct Disconnected {
  std::uint32_t id = 0, remote_id = 0;
};

using Received = std::variant<Request, Rejected, Acknowledged, Ready, Disconnecting, Disconnected>;

/// Nothing for what is not a message of the class that a responder gets: another class, version or
/// method, a length other than 256 bytes, a REP.
std::optional<Received> parse(std::span<const std::byte> bytes);

/// The transaction of a message, which an answer repeats.
std::uint64_t transaction_of(std::span<const std::byte> mad);

Mad reply(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
          std::uint64_t ca_guid, const Answer& answer);
/// `private_data`: at most 148 bytes.
Mad rejection(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id, About about,
              Reason reason, std::span<const std::byte> private_data = {});
Mad acknowledgement(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
                    std::uint8_t service_timeout);
Mad disconnect_request(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
                       std::uint32_t remote_queue_pair);
Mad disconnect_reply(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id);

}  // namespace srpd::ibcm
