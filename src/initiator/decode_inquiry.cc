#include "initiator/decode_inquiry.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace srpd::initiator {
namespace {

using Bytes = std::span<const std::byte>;

unsigned byte_at(Bytes data, std::size_t index) {
  return index < data.size() ? std::to_integer<unsigned>(data[index]) : 0;
}

std::uint64_t number_at(Bytes data, std::size_t index, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | byte_at(data, index + i);
  return value;
}

Bytes part(Bytes data, std::size_t from, std::size_t length) {
  if (from >= data.size()) return {};
  return data.subspan(from, std::min(length, data.size() - from));
}

// Characters of a device are not to be trusted with a terminal.
std::string ascii(Bytes data) {
  std::string text;
  for (const std::byte byte : data) {
    const auto c = std::to_integer<char>(byte);
    if (c == '\0') break;
    text += c >= ' ' && c <= '~' ? c : '.';
  }
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string hex(Bytes data) {
  std::string text;
  for (const std::byte byte : data) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::string hex_dump(Bytes data) {
  std::string text;
  for (std::size_t i = 0; i < data.size(); i += 16) {
    text += fmt::format("  {:04x} ", i);
    for (const std::byte byte : part(data, i, 16))
      text += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
    text += '\n';
  }
  return text;
}

std::string line(std::string_view name, std::string_view value) {
  return fmt::format("  {}: {}\n", name, value);
}

std::string device_type(unsigned type) {
  constexpr std::array<const char*, 16> names = {
      "disk",    "tape",           "printer",  "processor",      "write once", "CD/DVD",
      "scanner", "optical memory", "changer",  "communications", "type 0Ah",   "type 0Bh",
      "RAID",    "enclosure",      "RBC disk", "optical card"};
  if (type < names.size()) return names[type];
  return type == 0x1f ? "unknown" : fmt::format("type {:02X}h", type);
}

std::string version(unsigned code) {
  switch (code) {
    case 0x00:
      return "none";
    case 0x03:
      return "SPC";
    case 0x04:
      return "SPC-2";
    case 0x05:
      return "SPC-3";
    case 0x06:
      return "SPC-4";
    case 0x07:
      return "SPC-5";
    default:
      return fmt::format("{:02X}h", code);
  }
}

std::string qualifier(unsigned code) {
  if (code == 0) return "connected";
  if (code == 1) return "supported, not connected";
  return code == 3 ? "not supported: there is no such LUN" : fmt::format("{}", code);
}

std::string flags(unsigned value, std::initializer_list<std::pair<unsigned, const char*>> names) {
  std::string text;
  for (const auto& [mask, name] : names)
    if ((value & mask) != 0) text += (text.empty() ? "" : " ") + std::string(name);
  return text.empty() ? "none" : text;
}

// Page 83h, SPC-5 7.7.6.

std::string designator_value(unsigned code_set, unsigned type, Bytes value) {
  switch (type) {
    case 3:
      return "naa." + hex(value);
    case 4:
    case 5:
    case 6:
      return fmt::format("{}", number_at(value, 0, 4));
    default:
      return code_set == 1 ? hex(value) : ascii(value);
  }
}

std::string designator_name(unsigned type) {
  constexpr std::array<const char*, 11> names = {"vendor specific",
                                                 "T10 vendor identification",
                                                 "EUI-64",
                                                 "NAA",
                                                 "relative target port",
                                                 "target port group",
                                                 "logical unit group",
                                                 "MD5",
                                                 "SCSI name string",
                                                 "protocol specific port",
                                                 "UUID"};
  return type < names.size() ? names[type] : fmt::format("designator type {}", type);
}

std::string association_name(unsigned association) {
  constexpr std::array<const char*, 4> names = {"logical unit", "target port", "target device",
                                                "association 3"};
  return names[association & 3];
}

std::string protocol_name(unsigned protocol) {
  if (protocol == 4) return ", SRP";
  return protocol == 5 ? ", iSCSI" : fmt::format(", protocol {}", protocol);
}

// Calls `visit(association, type, code set, protocol or none, value)` for every designator.
template <class Visitor>
void for_each_designator(Bytes page, Visitor visit) {
  const std::size_t end = std::min<std::size_t>(page.size(), 4 + number_at(page, 2, 2));
  for (std::size_t at = 4; at + 4 <= end; at += 4 + byte_at(page, at + 3))
    visit(byte_at(page, at + 1), byte_at(page, at),
          part(page.first(end), at + 4, byte_at(page, at + 3)));
}

std::string describe_identification(Bytes page) {
  std::string text;
  for_each_designator(page, [&](unsigned kind, unsigned head, Bytes value) {
    const unsigned type = kind & 0x0f;
    const bool has_protocol = (kind & 0x80) != 0;
    text += line(fmt::format("{}, {}{}", association_name(kind >> 4), designator_name(type),
                             has_protocol ? protocol_name(head >> 4) : ""),
                 designator_value(head & 0x0f, type, value));
  });
  return text;
}

std::string blocks(std::uint64_t count) {
  return count == 0 ? "not reported" : fmt::format("{} blocks", count);
}

// Page B0h, SBC-4 6.6.4.
std::string describe_limits(Bytes page) {
  std::string text;
  text += line("maximum compare and write", blocks(byte_at(page, 5)));
  text += line("optimal transfer granularity", blocks(number_at(page, 6, 2)));
  text += line("maximum transfer", blocks(number_at(page, 8, 4)));
  text += line("optimal transfer", blocks(number_at(page, 12, 4)));
  text += line("maximum unmap", blocks(number_at(page, 20, 4)));
  text += line("maximum unmap descriptors", fmt::format("{}", number_at(page, 24, 4)));
  text += line("optimal unmap granularity", blocks(number_at(page, 28, 4)));
  if ((byte_at(page, 32) & 0x80) != 0)
    text += line("unmap granularity alignment", blocks(number_at(page, 32, 4) & 0x7fffffff));
  text += line("maximum write same", blocks(number_at(page, 36, 8)));
  return text;
}

// Page B1h, SBC-4 6.6.2.
std::string describe_characteristics(Bytes page) {
  const std::uint64_t rate = number_at(page, 4, 2);
  const std::string medium = rate == 0   ? "not reported"
                             : rate == 1 ? "non-rotating"
                                         : fmt::format("{} rpm", rate);
  return line("medium rotation rate", medium);
}

// Page B2h, SBC-4 6.6.7.
std::string describe_provisioning(Bytes page) {
  constexpr std::array<const char*, 8> types = {"not reported or fully provisioned",
                                                "resource provisioned", "thin provisioned"};
  const unsigned type = byte_at(page, 6) & 7;
  std::string text = line("provisioning", type < 3 ? types[type] : fmt::format("type {}", type));
  text +=
      line("unmap", flags(byte_at(page, 5),
                          {{0x80, "UNMAP"}, {0x40, "WRITE SAME (16)"}, {0x20, "WRITE SAME (10)"}}));
  text += line("unmapped blocks read as", (byte_at(page, 5) & 0x1c) == 0 ? "anything" : "zeros");
  text += line("threshold exponent", fmt::format("{}", byte_at(page, 4)));
  return text;
}

// Page 86h, SPC-5 7.7.7.
std::string describe_extended(Bytes page) {
  std::string text;
  text += line("protection checks",
               flags(byte_at(page, 4), {{0x04, "GRD_CHK"}, {0x02, "APP_CHK"}, {0x01, "REF_CHK"}}));
  text +=
      line("task attributes",
           flags(byte_at(page, 5), {{0x01, "SIMPLE"}, {0x02, "HEAD OF QUEUE"}, {0x04, "ORDERED"}}));
  text += line("volatile cache", (byte_at(page, 6) & 0x01) != 0 ? "yes" : "no");
  return text;
}

std::string describe_page_list(Bytes page) {
  std::string text;
  for (const std::uint8_t code : supported_pages(page)) text += "  " + page_title(code) + "\n";
  return text;
}

std::string describe_serial(Bytes page) { return line("unit serial number", unit_serial(page)); }

struct Page {
  std::uint8_t code;
  const char* name;
  std::string (*describe)(Bytes page);
  std::size_t shortest;  ///< below this it is shown in hexadecimal
};

constexpr Page pages[] = {
    {0x00, "Supported VPD Pages", &describe_page_list, 4},
    {0x80, "Unit Serial Number", &describe_serial, 4},
    {0x83, "Device Identification", &describe_identification, 4},
    {0x86, "Extended INQUIRY Data", &describe_extended, 8},
    {0xb0, "Block Limits", &describe_limits, 16},
    {0xb1, "Block Device Characteristics", &describe_characteristics, 6},
    {0xb2, "Logical Block Provisioning", &describe_provisioning, 8},
};

const Page* find_page(unsigned code) {
  const auto* const found = std::find_if(std::begin(pages), std::end(pages),
                                         [&](const Page& page) { return page.code == code; });
  return found == std::end(pages) ? nullptr : found;
}

}  // namespace

// SPC-5 6.7.2.
std::string describe_inquiry(Bytes data) {
  if (data.size() < 36) return hex_dump(data);
  std::string text;
  text += line("device type", device_type(byte_at(data, 0) & 0x1f));
  text += line("peripheral qualifier", qualifier(byte_at(data, 0) >> 5));
  text += line("vendor", ascii(part(data, 8, 8)));
  text += line("product", ascii(part(data, 16, 16)));
  text += line("revision", ascii(part(data, 32, 4)));
  text += line("version", version(byte_at(data, 2)));
  text += line("removable", (byte_at(data, 1) & 0x80) != 0 ? "yes" : "no");
  text += line("target port groups (ALUA)",
               flags(byte_at(data, 5) >> 4 & 3, {{1, "implicit"}, {2, "explicit"}}));
  text += line("features",
               flags(byte_at(data, 7) << 8 | byte_at(data, 5),
                     {{0x0200, "CMDQUE"}, {0x0080, "SCCS"}, {0x0008, "3PC"}, {0x0001, "PROTECT"}}));
  return text;
}

std::string describe_page(Bytes data) {
  const Page* const page = data.size() < 4 ? nullptr : find_page(byte_at(data, 1));
  if (page == nullptr || data.size() < page->shortest) return hex_dump(data);
  return page->describe(data);
}

std::string page_title(std::uint8_t code) {
  const Page* const page = find_page(code);
  return page == nullptr ? fmt::format("VPD page {:02X}h", code)
                         : fmt::format("VPD page {:02X}h, {}", code, page->name);
}

std::vector<std::uint8_t> supported_pages(Bytes page) {
  std::vector<std::uint8_t> codes;
  for (const std::byte code : part(page, 4, number_at(page, 2, 2)))
    codes.push_back(std::to_integer<std::uint8_t>(code));
  return codes;
}

std::optional<InquirySummary> summarize_inquiry(Bytes data) {
  if (data.size() < 36) return std::nullopt;
  return InquirySummary{.vendor = ascii(part(data, 8, 8)),
                        .product = ascii(part(data, 16, 16)),
                        .revision = ascii(part(data, 32, 4)),
                        .device_type = static_cast<std::uint8_t>(byte_at(data, 0) & 0x1f),
                        .connected = byte_at(data, 0) >> 5 == 0};
}

std::string unit_serial(Bytes page) { return ascii(part(page, 4, number_at(page, 2, 2))); }

std::string naa_of(Bytes page) {
  std::string naa;
  for_each_designator(page, [&](unsigned kind, unsigned, Bytes value) {
    if ((kind & 0x3f) == 3 && naa.empty()) naa = "naa." + hex(value);
  });
  return naa;
}

std::string target_name_of(Bytes page) {
  std::string name;
  for_each_designator(page, [&](unsigned kind, unsigned, Bytes value) {
    if ((kind & 0x3f) == 0x28 && name.empty()) name = ascii(value);
  });
  return name;
}

}  // namespace srpd::initiator
