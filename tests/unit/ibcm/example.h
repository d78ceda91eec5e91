// A requester of the communication manager, as ib_cm of a Linux host is one.
#pragma once

#include <cstring>
#include <string_view>

#include "ibcm/messages.h"

namespace srpd::ibcm::test {

inline constexpr std::uint64_t service = 0x0002c903000e8acc;
inline constexpr std::uint64_t host_guid = 0x0002c9fffe010001;
inline constexpr std::uint32_t host_id = 0x7a110001;
inline constexpr std::uint32_t host_queue_pair = 0x11;
inline constexpr std::uint64_t host_transaction = 0x0807060504030201;

inline Mad datagram(Message message, std::uint64_t transaction = host_transaction) {
  Mad mad{};
  auto& header = wire::view_mut<wire::cm::Datagram>(mad)->header;
  header.base_version = 1;
  header.management_class = 0x07;
  header.class_version = 2;
  header.method = static_cast<wire::mad::Method>(3);
  header.attribute = static_cast<std::uint16_t>(message);
  std::memcpy(header.transaction, &transaction, sizeof transaction);
  return mad;
}

template <class Layout>
Layout& message_in(Mad& mad) {
  return *wire::view_mut<Layout>(wire::view_mut<wire::cm::Datagram>(mad)->data);
}
template <class Layout>
const Layout& message_in(const Mad& mad) {
  return *wire::view<Layout>(wire::view<wire::cm::Datagram>(mad)->data);
}

/// With time-outs of 67 ms (14) and 15 retries.
inline Mad request(std::uint32_t id = host_id, std::uint32_t queue_pair = host_queue_pair) {
  Mad mad = datagram(Message::req);
  auto& req = message_in<wire::cm::ConnectRequest>(mad);
  req.communication_id = id;
  req.service_id = service;
  req.ca_guid = host_guid;
  req.queue_pair = queue_pair;
  req.responder_resources = 4;
  req.initiator_depth = 5;
  req.response_timeout = 20 << 3;
  req.starting_psn = 0xabcdef;
  req.local_timeout = 14 << 3 | 6;
  req.pkey = 0xffff;
  req.mtu = 5 << 4 | 7;
  req.max_retries = 15 << 4;
  req.requester_lid = 1;
  req.responder_lid = 2;
  req.requester_gid.bytes[15] = std::byte{1};
  req.responder_gid.bytes[15] = std::byte{2};
  req.flow_label = 0x12345 << 4;
  req.traffic_class = 9;
  req.hop_limit = 64;
  req.service_level = 3 << 4 | 0x08;
  req.ack_timeout = 18 << 3;
  req.private_data[0] = std::byte{0x5a};
  req.private_data[91] = std::byte{0xa5};
  return mad;
}

/// RTU, DREP and the begin of MRA, REJ and DREQ: both communication IDs.
inline Mad message(Message kind, std::uint32_t ours, std::uint32_t theirs) {
  Mad mad = datagram(kind);
  auto& ids = message_in<wire::cm::ReadyToUse>(mad);
  ids.communication_id = ours;
  ids.remote_communication_id = theirs;
  return mad;
}

inline Message kind_of(const Mad& mad) {
  return static_cast<Message>(wire::view<wire::mad::Header>(mad)->attribute.value());
}

}  // namespace srpd::ibcm::test
