// A position in a list of buffers.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace srpd::transport::iwarp {

/// A value; what it walks over outlives it. Never stands at the end of a buffer unless at the end
/// of all.
class Cursor {
 public:
  Cursor() = default;
  explicit Cursor(std::span<const iovec> buffers) : buffers_(buffers) { skip_empty(); }

  bool at_end() const { return buffers_.empty(); }

  /// The bytes up to the end of the current buffer, at most `most`.
  std::span<std::byte> piece(std::size_t most) const {
    if (at_end()) return {};
    const iovec& current = buffers_.front();
    return {static_cast<std::byte*>(current.iov_base) + offset_,
            std::min(most, current.iov_len - offset_)};
  }

  /// Within the current piece.
  void advance(std::size_t bytes) {
    offset_ += bytes;
    if (at_end() || offset_ < buffers_.front().iov_len) return;
    buffers_ = buffers_.subspan(1);
    offset_ = 0;
    skip_empty();
  }

  /// Across pieces.
  void skip(std::size_t bytes) {
    while (bytes > 0 && !at_end()) {
      const std::size_t step = std::min(bytes, buffers_.front().iov_len - offset_);
      advance(step);
      bytes -= step;
    }
  }

 private:
  void skip_empty() {
    while (!buffers_.empty() && buffers_.front().iov_len == 0) buffers_ = buffers_.subspan(1);
  }

  std::span<const iovec> buffers_;
  std::size_t offset_ = 0;
};

inline std::uint64_t total_length(std::span<const iovec> buffers) {
  std::uint64_t sum = 0;
  for (const iovec& buffer : buffers) sum += buffer.iov_len;
  return sum;
}

}  // namespace srpd::transport::iwarp
