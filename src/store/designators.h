// Designation descriptors (SPC-5 7.7.6): how a SCSI device names itself, its unit and its ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace srpd::store {

struct Designator {
  std::uint8_t type = 0;         ///< SPC-5 table 484: 1 T10 vendor, 3 NAA, 8 SCSI name string
  std::uint8_t code_set = 0;     ///< 1 binary, 2 ASCII, 3 UTF-8
  std::uint8_t association = 0;  ///< 0 unit, 1 target port, 2 target device
  std::optional<std::uint8_t> protocol;  ///< where the port's matters
  std::string bytes;
};

/// Those in VPD page 83h as a device returned it: up to where it was cut, or makes no sense.
std::vector<Designator> parse_designators(std::span<const std::byte> page);

}  // namespace srpd::store
