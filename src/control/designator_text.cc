#include "control/designator_text.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

namespace srpd::control {
namespace {

constexpr std::size_t most_text = 4095;  // what one read of an attribute gives
constexpr std::array<std::string_view, 3> associations{"addressed logical unit", "target port",
                                                       "SCSI target device"};
constexpr std::array<std::string_view, 9> types{"Vendor specific",
                                                "T10 Vendor ID based",
                                                "EUI-64 based",
                                                "NAA",
                                                "Relative target port identifier",
                                                "",
                                                "",
                                                "",
                                                "SCSI name string"};
constexpr std::array<std::string_view, 4> code_sets{"", "Binary", "ASCII", "UTF-8"};
constexpr std::uint8_t binary = 1;
/// SPC-5 table 477.
constexpr std::array<std::string_view, 9> protocols{"Fibre Channel",
                                                    "Parallel SCSI",
                                                    "SSA",
                                                    "IEEE 1394",
                                                    "SCSI Remote Direct Memory Access Protocol",
                                                    "Internet SCSI (iSCSI)",
                                                    "SAS Serial SCSI Protocol",
                                                    "Automation/Drive Interface Transport Protocol",
                                                    "AT Attachment Interface ATA/ATAPI"};

template <std::size_t Count>
std::string_view word(const std::array<std::string_view, Count>& words, std::uint8_t number) {
  return number < Count ? words[number] : std::string_view();
}

/// Binary ones as digits behind that of the type; texts end at a zero, and stay on their line.
std::string identifier(const store::Designator& designator) {
  std::string out;
  if (designator.code_set == binary) {
    out = fmt::format("{:x}", designator.type);
    for (const char byte : designator.bytes)
      out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return out;
  }
  for (const char c : designator.bytes) {
    if (c == '\0') break;
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out;
}

void append(std::string& text, const std::string& more) {
  if (text.size() + more.size() <= most_text) text += more;
}

std::string protocol_text(std::uint8_t protocol) {
  const std::string_view name = word(protocols, protocol);
  return "T10 VPD Protocol Identifier: " +
         (name.empty() ? fmt::format("Unknown 0x{:02x}", protocol << 4) : std::string(name)) + '\n';
}

}  // namespace

void describe_designators(std::span<const store::Designator> designators,
                          lio::DeviceProperties& properties) {
  const std::array<std::string*, 3> texts{&properties.vpd_logical_unit, &properties.vpd_target_port,
                                          &properties.vpd_target_device};
  for (const store::Designator& each : designators) {
    const std::string_view type = word(types, each.type);
    const std::string_view code_set = word(code_sets, each.code_set);
    if (type.empty() || code_set.empty()) continue;
    if (each.protocol) append(properties.vpd_protocol, protocol_text(*each.protocol));
    if (each.association >= texts.size()) continue;
    append(*texts[each.association],
           fmt::format("T10 VPD Identifier Association: {}\nT10 VPD Identifier Type: {}\n"
                       "T10 VPD {} Device Identifier: {}\n",
                       associations[each.association], type, code_set, identifier(each)));
  }
}

}  // namespace srpd::control
