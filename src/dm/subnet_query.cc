#include "dm/subnet_query.h"

#include <algorithm>
#include <cstring>

#include "dm/fabric.h"
#include "wire/subnet_administration.h"

namespace srpd::dm {
namespace {

using discovery::Mad;
using wire::sa::Method;
using wire::sa::Request;

constexpr std::size_t attribute_unit = 8;
constexpr std::uint16_t max_unicast_lid = 0xbfff;  // volume 1, 4.1.3

Request request(Method method, std::uint16_t attribute, std::uint64_t transaction) {
  Request made{};
  made.header.base_version = wire::mad::base_version;
  made.header.management_class = wire::sa::management_class;
  made.header.class_version = wire::sa::class_version;
  made.header.method = static_cast<wire::mad::Method>(method);
  std::memcpy(made.header.transaction, &transaction, sizeof transaction);
  made.header.attribute = attribute;
  return made;
}

template <wire::Layout Record>
Mad to_mad(const Request& request, const Record& record) {
  Mad mad{};
  std::memcpy(mad.data(), &request, sizeof request);
  std::memcpy(mad.data() + sizeof request, &record, sizeof record);
  return mad;
}

/// The head of a response of this kind with status 0, or null.
const Request* head_of(std::span<const std::byte> response, Method method,
                       std::uint16_t attribute) {
  const auto* head = wire::view<Request>(response);
  const bool fits = head != nullptr &&
                    head->header.management_class == wire::sa::management_class &&
                    head->header.method == static_cast<wire::mad::Method>(method) &&
                    head->header.attribute == attribute && head->header.status == 0;
  return fits ? head : nullptr;
}

}  // namespace

Mad ask_class_port_info_of_sa(std::uint64_t transaction) {
  return to_mad(request(Method::get, wire::sa::class_port_info, transaction),
                wire::mad::ClassPortInfo{});
}

Mad ask_ports(bool by_capability, std::uint64_t transaction) {
  Request head = request(Method::get_table, wire::sa::port_info_record, transaction);
  wire::sa::PortInfoRecord record{};
  if (by_capability) {
    head.header.modifier = wire::sa::match_set_bits;
    head.component_mask = wire::sa::port_info_capability_mask;
    record.capability_mask = is_device_management_supported;
  }
  return to_mad(head, record);
}

Mad ask_node(std::uint16_t lid, std::uint64_t transaction) {
  Request head = request(Method::get_table, wire::sa::node_record, transaction);
  head.component_mask = wire::sa::node_record_lid;
  wire::sa::NodeRecord record{};
  record.lid = lid;
  return to_mad(head, record);
}

std::optional<bool> parse_class_port_info_of_sa(std::span<const std::byte> response) {
  if (head_of(response, Method::get_response, wire::sa::class_port_info) == nullptr)
    return std::nullopt;
  const auto* info = wire::view<wire::mad::ClassPortInfo>(response.subspan(sizeof(Request)));
  if (info == nullptr) return std::nullopt;
  return (info->capability_mask & wire::sa::matches_capability_mask) != 0;
}

std::optional<std::vector<RemotePort>> parse_ports(std::span<const std::byte> response) {
  const Request* const head =
      head_of(response, Method::get_table_response, wire::sa::port_info_record);
  if (head == nullptr) return std::nullopt;
  const std::size_t size = head->attribute_offset * attribute_unit;
  std::vector<RemotePort> ports;
  if (size < sizeof(wire::sa::PortInfoRecord)) return ports;  // no record at all
  for (auto rest = response.subspan(sizeof(Request)); rest.size() >= size;
       rest = rest.subspan(size)) {
    const auto& record = *wire::view<wire::sa::PortInfoRecord>(rest);
    const bool asked_for = (record.capability_mask & is_device_management_supported) != 0 &&
                           record.lid != 0 && record.lid <= max_unicast_lid;
    if (!asked_for) continue;
    RemotePort port;
    port.lid = record.lid;
    std::copy(std::begin(record.gid_prefix), std::end(record.gid_prefix), port.gid.begin());
    if (std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
  }
  return ports;
}

std::optional<std::array<std::byte, 8>> parse_node(std::span<const std::byte> response) {
  if (head_of(response, Method::get_table_response, wire::sa::node_record) == nullptr)
    return std::nullopt;
  const auto* record = wire::view<wire::sa::NodeRecord>(response.subspan(sizeof(Request)));
  if (record == nullptr) return std::nullopt;
  std::array<std::byte, 8> guid;
  std::copy(std::begin(record->port_guid), std::end(record->port_guid), guid.begin());
  return guid;
}

}  // namespace srpd::dm
