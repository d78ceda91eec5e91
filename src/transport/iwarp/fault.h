// What the peer did wrong, in the words and codes of a Terminate message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/rdmap.h"

namespace srpd::transport::iwarp {

struct Fault {
  const char* text = nullptr;  ///< null: no fault
  wire::rdmap::ErrorCode code{};
  /// The header of the offending FPDU, as far as it was there.
  std::array<std::byte, sizeof(wire::rdmap::ReadRequest)> header{};
  std::uint8_t header_length = 0;

  explicit operator bool() const { return text != nullptr; }
};

/// Longest Terminate FPDU: all headers and the CRC field.
inline constexpr std::size_t max_terminate = 20 + 4 + 2 + 18 + 28 + 3 + 4;

/// The FPDU that reports `fault` (RFC 5040 4.8); the number of bytes in `out`.
std::size_t encode_terminate(const Fault& fault, bool crc, std::span<std::byte, max_terminate> out);

/// A received Terminate, for the log: "Terminate: DDP, type 1, code 0 (invalid STag)". `control`
/// are the bytes behind the untagged header, however many there are.
struct TerminateText {
  std::array<char, 96> text{};
};
TerminateText describe_terminate(std::span<const std::byte> control);

}  // namespace srpd::transport::iwarp
