// Where a transfer over several pieces of memory stands, for continuing after a short one.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <span>

namespace srpd::store {

/// A value that points into itself when handed out: next() is valid until the cursor moves.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> pieces) : rest_(pieces) { skip_empty(); }

  bool at_end() const { return rest_.empty(); }
  std::uint64_t done() const { return done_; }

  /// What to transfer next: all of the rest, or the rest of a piece that was cut.
  std::span<const iovec> next() {
    if (skip_ == 0) return rest_.first(std::min<std::size_t>(rest_.size(), IOV_MAX));
    head_ =
        iovec{static_cast<char*>(rest_.front().iov_base) + skip_, rest_.front().iov_len - skip_};
    return {&head_, 1};
  }

  void advance(std::uint64_t bytes) {
    done_ += bytes;
    std::uint64_t left = bytes + skip_;
    while (!rest_.empty() && left >= rest_.front().iov_len) {
      left -= rest_.front().iov_len;
      rest_ = rest_.subspan(1);
    }
    skip_ = left;
  }

 private:
  void skip_empty() { advance(0); }

  std::span<const iovec> rest_;
  std::uint64_t skip_ = 0;
  std::uint64_t done_ = 0;
  iovec head_{};
};

}  // namespace srpd::store
