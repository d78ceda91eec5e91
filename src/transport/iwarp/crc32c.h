// CRC-32C as MPA uses it (RFC 5044 4.4): all ones at the start, inverted at the end, least
// significant byte first.
#pragma once

#include <isa-l/crc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace srpd::transport::iwarp {

class Crc32c {
 public:
  void reset() { state_ = ~0u; }

  void add(const void* data, std::size_t length) {
    // isa-l's signature lacks the const; it takes and gives the bare register, without inversion.
    state_ = crc32_iscsi(static_cast<unsigned char*>(const_cast<void*>(data)),
                         static_cast<int>(length), state_);
  }

  /// The value whose bytes in memory order stand in the CRC field.
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = ~0u;
};

}  // namespace srpd::transport::iwarp
