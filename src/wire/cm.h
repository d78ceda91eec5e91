// Messages of the InfiniBand communication manager as they stand on the wire: InfiniBand
// Architecture volume 1, 12.6 and 12.7. Layouts and names only; the rules are in src/ibcm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/mad.h"

namespace srpd::wire::cm {

inline constexpr std::uint8_t management_class = 0x07;
inline constexpr std::uint8_t class_version = 2;
/// ComMgtSend: of requests and answers alike.
inline constexpr std::uint8_t method_send = 0x03;

/// Attribute IDs, 12.6.
enum class Message : std::uint16_t {
  req = 0x0010,
  mra = 0x0011,
  rej = 0x0012,
  rep = 0x0013,
  rtu = 0x0014,
  dreq = 0x0015,
  drep = 0x0016,
};

/// Which message an MRA or REJ is about, in the two high bits of its field.
enum class About : std::uint8_t { req = 0, rep = 1, other = 2 };

/// 12.6.7.2.
enum class Reason : std::uint16_t {
  no_resources = 3,
  timeout = 4,
  unsupported_request = 5,
  invalid_service_id = 8,
  invalid_transport_service = 9,
  stale_connection = 10,
  invalid_path_mtu = 26,
  consumer_defined = 28,
};

/// Transport service types, bits 2..1 of ConnectRequest::response_timeout.
inline constexpr std::uint8_t reliable_connected = 0;

struct Id128 {
  std::byte bytes[16];
};

struct ConnectRequest {
  be32 communication_id;  ///< the sender's, as in all messages
  std::uint8_t reserved1[4];
  be64 service_id;
  be64 ca_guid;
  std::uint8_t reserved2[4];
  be32 qkey;
  be24 queue_pair;
  std::uint8_t responder_resources;
  be24 ee_context;
  std::uint8_t initiator_depth;
  be24 remote_ee_context;
  std::uint8_t response_timeout;  ///< of the receiver (5 bits), service type (2), flow control
  be24 starting_psn;              ///< that the receiver shall begin with
  std::uint8_t local_timeout;     ///< of the sender's answers (5 bits), retry count (3)
  be16 pkey;
  std::uint8_t mtu;          ///< path MTU (4 bits), RDC exists, RNR retry count (3)
  std::uint8_t max_retries;  ///< of CM messages (4 bits), SRQ
  be16 requester_lid;        ///< primary path, as the requester sees it
  be16 responder_lid;
  Id128 requester_gid;
  Id128 responder_gid;
  be24 flow_label;           ///< 20 bits, then 4 that are reserved
  std::uint8_t packet_rate;  ///< 6 bits
  std::uint8_t traffic_class;
  std::uint8_t hop_limit;
  std::uint8_t service_level;  ///< 4 bits, then: subnet local
  std::uint8_t ack_timeout;    ///< 5 bits
  std::uint8_t alternate_path[44];
  std::byte private_data[92];
};
static_assert(sizeof(ConnectRequest) == 232 && offsetof(ConnectRequest, queue_pair) == 32);
static_assert(offsetof(ConnectRequest, response_timeout) == 43);
static_assert(offsetof(ConnectRequest, starting_psn) == 44 && offsetof(ConnectRequest, pkey) == 48);
static_assert(offsetof(ConnectRequest, requester_lid) == 52);
static_assert(offsetof(ConnectRequest, responder_gid) == 72);
static_assert(offsetof(ConnectRequest, service_level) == 94);
static_assert(offsetof(ConnectRequest, private_data) == 140);

/// ConnectRequest::service_level: the path has no router, so packets need no GRH.
inline constexpr std::uint8_t subnet_local = 0x08;

struct ConnectReply {
  be32 communication_id;
  be32 remote_communication_id;
  be32 qkey;
  be24 queue_pair;
  std::uint8_t reserved1;
  be24 ee_context;
  std::uint8_t reserved2;
  be24 starting_psn;
  std::uint8_t reserved3;
  std::uint8_t responder_resources;
  std::uint8_t initiator_depth;
  std::uint8_t ack_delay;  ///< 5 bits, failover accepted (2), flow control
  std::uint8_t rnr_retry;  ///< 3 bits, SRQ
  be64 ca_guid;
  std::byte private_data[196];
};
static_assert(sizeof(ConnectReply) == 232 && offsetof(ConnectReply, queue_pair) == 12);
static_assert(offsetof(ConnectReply, starting_psn) == 20);
static_assert(offsetof(ConnectReply, ca_guid) == 28 && offsetof(ConnectReply, private_data) == 36);

struct Reject {
  be32 communication_id;
  be32 remote_communication_id;
  std::uint8_t about;        ///< 2 bits
  std::uint8_t info_length;  ///< 7 bits
  be16 reason;
  std::uint8_t info[72];
  std::byte private_data[148];
};
static_assert(sizeof(Reject) == 232 && offsetof(Reject, reason) == 10);
static_assert(offsetof(Reject, private_data) == 84);

struct Acknowledge {  // MRA: the receiver needs longer
  be32 communication_id;
  be32 remote_communication_id;
  std::uint8_t about;            ///< 2 bits
  std::uint8_t service_timeout;  ///< 5 bits
  std::byte private_data[222];
};
static_assert(sizeof(Acknowledge) == 232);

struct ReadyToUse {
  be32 communication_id;
  be32 remote_communication_id;
  std::byte private_data[224];
};
static_assert(sizeof(ReadyToUse) == 232);

struct DisconnectRequest {
  be32 communication_id;
  be32 remote_communication_id;
  be24 queue_pair;  ///< the receiver's
  std::uint8_t reserved;
  std::byte private_data[220];
};
static_assert(sizeof(DisconnectRequest) == 232);

using DisconnectReply = ReadyToUse;

/// A MAD of the class.
struct Datagram {
  mad::Header header;
  std::byte data[232];
};
static_assert(sizeof(Datagram) == mad::size);

}  // namespace srpd::wire::cm
