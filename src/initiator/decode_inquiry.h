// INQUIRY data in words, as `srp inq` prints them: the standard data and the VPD pages that disks
// have. Pure; whatever is cut short or unknown is shown in hexadecimal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace srpd::initiator {

/// Lines "  name: value".
std::string describe_inquiry(std::span<const std::byte> data);
/// A whole VPD page with its header; the page code is in it.
std::string describe_page(std::span<const std::byte> data);
/// "VPD page 83h, Device Identification".
std::string page_title(std::uint8_t page);

/// The codes that VPD page 00h lists.
std::vector<std::uint8_t> supported_pages(std::span<const std::byte> page_00);

struct InquirySummary {
  std::string vendor, product, revision;
  std::uint8_t device_type = 0x1f;
  bool connected = false;  ///< peripheral qualifier 000b
};
std::optional<InquirySummary> summarize_inquiry(std::span<const std::byte> data);
/// Empty when the page holds none.
std::string unit_serial(std::span<const std::byte> page_80);
/// "naa.6001405..." of the logical unit, or empty.
std::string naa_of(std::span<const std::byte> page_83);
/// The SCSI name string of the target device, or empty. LIO and srpd: "0x" and the 32 digits of the
/// target port identifier.
std::string target_name_of(std::span<const std::byte> page_83);

}  // namespace srpd::initiator
