#include "ibcm/messages.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace srpd::ibcm {
namespace {

namespace cm = wire::cm;

Gid gid_of(const cm::Id128& id) {
  Gid gid;
  std::memcpy(gid.data(), id.bytes, gid.size());
  return gid;
}

// The layouts of all messages fill the datagram, so there is always one.
template <class Layout>
const Layout& data_of(const cm::Datagram& datagram) {
  static_assert(sizeof(Layout) == sizeof datagram.data);
  return *wire::view<Layout>(datagram.data);
}

Request request_of(const cm::ConnectRequest& in) {
  Request out;
  out.id = in.communication_id;
  out.service = in.service_id;
  out.ca_guid = in.ca_guid;
  out.queue_pair = in.queue_pair;
  out.responder_resources = in.responder_resources;
  out.initiator_depth = in.initiator_depth;
  out.response_timeout = in.response_timeout >> 3;
  out.transport_service = in.response_timeout >> 1 & 3;
  out.starting_psn = in.starting_psn;
  out.local_timeout = in.local_timeout >> 3;
  out.retry_count = in.local_timeout & 7;
  out.pkey = in.pkey;
  out.mtu = in.mtu >> 4;
  out.rnr_retry_count = in.mtu & 7;
  out.max_retries = in.max_retries >> 4;
  out.requester_lid = in.requester_lid;
  out.requester_gid = gid_of(in.requester_gid);
  out.responder_gid = gid_of(in.responder_gid);
  out.flow_label = in.flow_label >> 4;
  out.traffic_class = in.traffic_class;
  out.hop_limit = in.hop_limit;
  out.service_level = in.service_level >> 4;
  out.routed = (in.service_level & cm::subnet_local) == 0;
  out.ack_timeout = in.ack_timeout >> 3;
  std::memcpy(out.private_data.data(), in.private_data, out.private_data.size());
  return out;
}

About about_of(std::uint8_t field) {
  return static_cast<About>(std::min(field >> 6, static_cast<int>(About::other)));
}

std::uint8_t field_of(About about) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(about) << 6);
}

// A datagram with zeros behind the header, and its message.
struct Building {
  Building(Message message, std::uint64_t transaction) {
    auto& header = datagram().header;
    header.base_version = wire::mad::base_version;
    header.management_class = cm::management_class;
    header.class_version = cm::class_version;
    header.method = static_cast<wire::mad::Method>(cm::method_send);
    header.attribute = static_cast<std::uint16_t>(message);
    std::memcpy(header.transaction, &transaction, sizeof transaction);
  }
  cm::Datagram& datagram() { return *wire::view_mut<cm::Datagram>(mad); }
  template <class Layout>
  Layout& message(std::uint32_t id, std::uint32_t remote_id) {
    auto& layout = *wire::view_mut<Layout>(datagram().data);
    layout.communication_id = id;
    layout.remote_communication_id = remote_id;
    return layout;
  }
  Mad mad{};
};

void put(std::span<std::byte> field, std::span<const std::byte> data) {
  CHECK(data.size() <= field.size());
  std::copy(data.begin(), data.end(), field.begin());
}

}  // namespace

std::optional<Received> parse(std::span<const std::byte> bytes) {
  const auto* const datagram = wire::view<cm::Datagram>(bytes);
  if (datagram == nullptr || bytes.size() != sizeof *datagram) return std::nullopt;
  const auto& header = datagram->header;
  if (header.base_version != wire::mad::base_version ||
      header.management_class != cm::management_class ||
      header.class_version != cm::class_version ||
      static_cast<std::uint8_t>(header.method) != cm::method_send)
    return std::nullopt;
  switch (static_cast<Message>(header.attribute.value())) {
    case Message::req:
      return request_of(data_of<cm::ConnectRequest>(*datagram));
    case Message::rej: {
      const auto& in = data_of<cm::Reject>(*datagram);
      return Rejected{in.communication_id, in.remote_communication_id, about_of(in.about),
                      in.reason};
    }
    case Message::mra: {
      const auto& in = data_of<cm::Acknowledge>(*datagram);
      return Acknowledged{in.communication_id, in.remote_communication_id, about_of(in.about),
                          static_cast<std::uint8_t>(in.service_timeout >> 3)};
    }
    case Message::rtu: {
      const auto& in = data_of<cm::ReadyToUse>(*datagram);
      return Ready{in.communication_id, in.remote_communication_id};
    }
    case Message::dreq: {
      const auto& in = data_of<cm::DisconnectRequest>(*datagram);
      return Disconnecting{in.communication_id, in.remote_communication_id, in.queue_pair};
    }
    case Message::drep: {
      const auto& in = data_of<cm::DisconnectReply>(*datagram);
      return Disconnected{in.communication_id, in.remote_communication_id};
    }
    case Message::rep:
      break;
  }
  return std::nullopt;
}

std::uint64_t transaction_of(std::span<const std::byte> mad) {
  std::uint64_t transaction = 0;
  if (const auto* const header = wire::view<wire::mad::Header>(mad))
    std::memcpy(&transaction, header->transaction, sizeof transaction);
  return transaction;
}

Mad reply(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
          std::uint64_t ca_guid, const Answer& answer) {
  Building building(Message::rep, transaction);
  auto& out = building.message<cm::ConnectReply>(id, remote_id);
  out.queue_pair = answer.queue_pair;
  out.starting_psn = answer.starting_psn;
  out.responder_resources = answer.responder_resources;
  out.initiator_depth = answer.initiator_depth;
  // 15: 134 ms; no failover; end-to-end flow control.
  out.ack_delay = 15 << 3 | 1;
  out.rnr_retry = static_cast<std::uint8_t>(answer.rnr_retry_count << 5 |
                                            (answer.shared_receives ? 1 << 4 : 0));
  out.ca_guid = ca_guid;
  put(out.private_data, answer.private_data);
  return building.mad;
}

Mad rejection(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id, About about,
              Reason reason, std::span<const std::byte> private_data) {
  Building building(Message::rej, transaction);
  auto& out = building.message<cm::Reject>(id, remote_id);
  out.about = field_of(about);
  out.reason = static_cast<std::uint16_t>(reason);
  put(out.private_data, private_data);
  return building.mad;
}

Mad acknowledgement(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
                    std::uint8_t service_timeout) {
  Building building(Message::mra, transaction);
  auto& out = building.message<cm::Acknowledge>(id, remote_id);
  out.about = field_of(About::req);
  out.service_timeout = static_cast<std::uint8_t>(service_timeout << 3);
  return building.mad;
}

Mad disconnect_request(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id,
                       std::uint32_t remote_queue_pair) {
  Building building(Message::dreq, transaction);
  building.message<cm::DisconnectRequest>(id, remote_id).queue_pair = remote_queue_pair;
  return building.mad;
}

Mad disconnect_reply(std::uint64_t transaction, std::uint32_t id, std::uint32_t remote_id) {
  Building building(Message::drep, transaction);
  building.message<cm::DisconnectReply>(id, remote_id);
  return building.mad;
}

}  // namespace srpd::ibcm
