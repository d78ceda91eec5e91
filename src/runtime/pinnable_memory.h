// Long-lived memory of which pages are given back to the kernel now and then, and which adapters
// may know by its pages: who registers a piece pins it first, and pinned pieces stay. What it grows
// by is a memory of its own, the next one, since adapters cannot make longer what they know.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace srpd::runtime {

/// Any thread.
class PinnableMemory {
 public:
  static constexpr std::size_t chunk = std::size_t{4} << 20;

  /// Page aligned.
  explicit PinnableMemory(std::span<std::byte> memory)
      : memory_(memory), pinned_((memory.size() + chunk - 1) / chunk) {}
  PinnableMemory(const PinnableMemory&) = delete;
  PinnableMemory& operator=(const PinnableMemory&) = delete;

  std::span<std::byte> bytes() const { return memory_; }

  /// What came by growing; null: nothing. It goes with this one.
  PinnableMemory* next() const { return next_.load(std::memory_order_acquire); }
  /// Of the last one. One thread at a time.
  PinnableMemory& grow(std::span<std::byte> more) {
    owned_next_ = std::make_unique<PinnableMemory>(more);
    next_.store(owned_next_.get(), std::memory_order_release);
    return *owned_next_;
  }

  /// The chunk that holds `offset`; its pages stay from now on.
  std::span<std::byte> pin(std::size_t offset) {
    const std::size_t index = offset / chunk;
    const std::lock_guard lock(mutex_);
    pinned_[index] = true;
    return memory_.subspan(index * chunk, std::min(chunk, memory_.size() - index * chunk));
  }

  /// Hands whole pages back, which then read as zero. False, with nothing done, when some of it is
  /// pinned or the kernel refuses.
  bool give_back(std::size_t offset, std::size_t length) {
    if (length == 0) return true;
    const std::lock_guard lock(mutex_);
    for (std::size_t i = offset / chunk; i <= (offset + length - 1) / chunk; ++i) {
      if (pinned_[i]) return false;
    }
    return ::madvise(memory_.data() + offset, length, MADV_DONTNEED) == 0;
  }

 private:
  const std::span<std::byte> memory_;
  std::mutex mutex_;
  std::vector<bool> pinned_;
  std::unique_ptr<PinnableMemory> owned_next_;
  std::atomic<PinnableMemory*> next_{nullptr};
};

}  // namespace srpd::runtime
