// The send queue of a queue pair as its owner sees it: which work each work request belongs to.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace srpd::transport::verbs {

template <class Entry>
class SendRing {
 public:
  /// `capacity`: what the queue pair was granted.
  explicit SendRing(std::uint32_t capacity)
      : entries_(new Entry[std::bit_ceil(capacity)]),
        mask_(std::bit_ceil(capacity) - 1),
        capacity_(capacity) {
    CHECK(capacity > 0);
  }

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t size() const { return next_ - first_; }
  std::uint32_t room() const { return capacity_ - size(); }
  bool empty() const { return next_ == first_; }

  /// Number of the entry, to be found in the completion.
  std::uint32_t push(const Entry& entry) {
    CHECK(room() > 0);
    entries_[next_ & mask_] = entry;
    return next_++;
  }
  /// False for a number that is not (or no longer) in the ring.
  bool contains(std::uint32_t number) const { return number - first_ < size(); }
  Entry& operator[](std::uint32_t number) {
    DCHECK(contains(number));
    return entries_[number & mask_];
  }
  /// Number of the oldest.
  std::uint32_t first() const { return first_; }
  Entry& front() { return (*this)[first_]; }
  Entry pop() {
    CHECK(!empty());
    return entries_[first_++ & mask_];
  }

  /// Counts work requests posted since one asked for a completion: true when this one has to, so
  /// that places become free in time.
  bool must_signal() {
    const bool due = ++unsignaled_ >= std::max(capacity_ / 4, 1u);
    if (due) unsignaled_ = 0;
    return due;
  }
  void signaled() { unsignaled_ = 0; }

 private:
  std::unique_ptr<Entry[]> entries_;
  const std::uint32_t mask_;
  const std::uint32_t capacity_;
  std::uint32_t first_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t unsignaled_ = 0;
};

}  // namespace srpd::transport::verbs
