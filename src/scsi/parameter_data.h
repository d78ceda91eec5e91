// Parameter data of a command that answers at once: built in the command's buffer, cut to the
// allocation length, handed over as the data-in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "scsi/command.h"
#include "wire/endian.h"

namespace srpd::scsi {

class ParameterData {
 public:
  /// Room for every list that does not grow (sized_data.h).
  static constexpr std::uint32_t capacity = 4096;

  /// Zeroes command.buffer, which must be there.
  explicit ParameterData(Command& command);

  /// Appends zeroed bytes, valid as long as the command. The room is the caller's guarantee.
  std::span<std::byte> add_bytes(std::size_t size);

  template <wire::Layout T>
  T& add() {
    return *wire::view_mut<T>(add_bytes(sizeof(T)));
  }

  std::size_t size() const { return size_; }

  /// Ends the command with GOOD and at most `allocation_length` bytes of what was added
  /// (SPC-5 4.2.5.6: truncation is no error).
  Result send(std::uint64_t allocation_length);

 private:
  Command& command_;
  std::size_t size_ = 0;
};

/// Makes the first `produced` bytes of command.buffer the data-in, cut to the allocation length and
/// to the initiator's buffer.
Result send_buffer(Command& command, std::uint64_t produced, std::uint64_t allocation_length);

/// `text` left-aligned into `field`, the rest blanks (SPC-5 4.3.1).
void put_text(std::span<char> field, std::string_view text);

}  // namespace srpd::scsi
