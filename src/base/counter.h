// A number that one thread counts up and any thread may read: plain loads and stores, no lock.
#pragma once

#include <atomic>
#include <cstdint>

namespace srpd {

class Counter {
 public:
  /// On the thread that counts only.
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  /// Any thread.
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace srpd
