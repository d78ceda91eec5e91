// LUNs as numbers for people and as eight bytes for the wire (SAM-5 4.7).
#pragma once

#include <cstdint>
#include <optional>

namespace srpd::initiator {

inline constexpr std::uint32_t max_lun_number = 0x3fff;

/// Peripheral addressing below 256, flat space above, as Linux and LIO write them.
constexpr std::uint64_t lun_from_number(std::uint32_t number) {
  const std::uint64_t word = number < 256 ? number : 0x4000u | number;
  return word << 48;
}

/// Nothing for addressing methods that have no plain number.
constexpr std::optional<std::uint32_t> number_of_lun(std::uint64_t lun) {
  if ((lun & 0x0000'ffff'ffff'ffffu) != 0) return std::nullopt;
  const auto word = static_cast<std::uint32_t>(lun >> 48);
  const std::uint32_t method = word >> 14;
  if (method == 0 && word < 256) return word;
  if (method == 1) return word & max_lun_number;
  return std::nullopt;
}

}  // namespace srpd::initiator
