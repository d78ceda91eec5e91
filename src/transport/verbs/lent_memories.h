// Memory that its owners lend to the adapters, as the loops find out about it: what changes here is
// noticed by a number, and looked at only then.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "runtime/pinnable_memory.h"

namespace srpd::transport::verbs {

/// One memory, for as long as it is lent.
struct LentMemory {
  std::uint64_t id = 0;  ///< never used again, as addresses are
  std::span<std::byte> bytes;
  runtime::PinnableMemory* memory = nullptr;
};

/// Any thread.
class LentMemories {
 public:
  void add(runtime::PinnableMemory& memory) {
    const std::lock_guard lock(mutex_);
    all_.push_back({++last_id_, memory.bytes(), &memory});
    version_.fetch_add(1, std::memory_order_release);
  }
  /// Nobody looks for a piece of it any more, nor will.
  void remove(const runtime::PinnableMemory& memory) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const LentMemory& each) { return each.memory == &memory; });
    version_.fetch_add(1, std::memory_order_release);
  }

  /// Another one after each change. Whoever was given a piece of some memory sees the number that
  /// came with the memory.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::vector<LentMemory> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<LentMemory> all_;
  std::uint64_t last_id_ = 0;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace srpd::transport::verbs
