// Page 83h, SPC-5 7.7.6: who the unit, the port and the target are. Hosts build device names from
// it, so designators, their order and their padding are LIO's.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {
namespace {

constexpr std::size_t longest_name = 252;  // a length field of one byte, names padded to four

// PIV with the protocol of the port, for what belongs to the port or the target device.
constexpr std::uint8_t srp_code_set(std::uint8_t code_set) {
  return static_cast<std::uint8_t>(wire::protocol_srp << 4 | code_set);
}

std::span<std::byte> add_designator(ParameterData& data, std::uint8_t code_set, int association,
                                    std::size_t length) {
  auto& header = data.add<wire::Designator>();
  header.code_set = code_set;
  header.association = static_cast<std::uint8_t>(association);
  header.length = static_cast<std::uint8_t>(length);
  return data.add_bytes(length);
}

void add_naa(const Lu& lu, ParameterData& data) {
  const auto naa = lu.naa();
  const auto out = add_designator(data, wire::code_set_binary,
                                  wire::association_unit | wire::designator_naa, naa.size());
  std::copy(naa.begin(), naa.end(), out.begin());
}

// Vendor (eight characters, padded), then PRODUCT:SERIAL and a zero.
void add_t10_vendor(const Lu& lu, ParameterData& data) {
  const LuIdentity& identity = lu.identity();
  std::string text = identity.product + ":" + identity.unit_serial;
  text.resize(std::min(text.size(), longest_name - 9));
  const auto out =
      add_designator(data, wire::code_set_ascii, wire::association_unit | wire::designator_t10,
                     8 + text.size() + 1);
  put_text({reinterpret_cast<char*>(out.data()), 8}, identity.vendor);
  std::memcpy(out.data() + 8, text.data(), text.size());
}

// Relative port, port group and unit group are a 16-bit number after two reserved bytes.
void add_number(ParameterData& data, std::uint8_t code_set, int association, std::uint16_t number) {
  const auto out = add_designator(data, code_set, association, 4);
  *wire::view_mut<wire::be16>(out.subspan(2)) = number;
}

// Zero terminated and padded with zeroes to a multiple of four (SPC-5 7.7.6.11).
void add_name(ParameterData& data, int association, std::string_view name) {
  name = name.substr(0, longest_name - 1);
  const std::size_t length = (name.size() + 1 + 3) & ~std::size_t{3};
  const auto out =
      add_designator(data, srp_code_set(wire::code_set_utf8),
                     wire::designator_piv | association | wire::designator_name_string, length);
  std::memcpy(out.data(), name.data(), name.size());
}

// A target port's name: that of the target with the portal group tag.
std::string port_name(const TargetPort& port) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string name = port.name + ",t,0x";
  for (int shift = 12; shift >= 0; shift -= 4) name += digits[port.portal_group_tag >> shift & 0xf];
  return name;
}

}  // namespace

void build_device_identification(const Command& command, ParameterData& data) {
  const TargetPortGroups& groups = command.lu->port_groups();
  const TargetPort& port = command.nexus->target();
  add_naa(*command.lu, data);
  add_t10_vendor(*command.lu, data);
  constexpr int of_port = wire::designator_piv | wire::association_port;
  add_number(data, srp_code_set(wire::code_set_binary), of_port | wire::designator_relative_port,
             port.relative_target_port);
  add_number(data, srp_code_set(wire::code_set_binary), of_port | wire::designator_port_group,
             groups.group_of(command.itl->port.get()).id);
  if (const auto unit_group = groups.unit_group())
    add_number(data, wire::code_set_binary, wire::association_unit | wire::designator_unit_group,
               *unit_group);
  add_name(data, wire::association_port, port_name(port));
  add_name(data, wire::association_device, port.name);
}

}  // namespace srpd::scsi
