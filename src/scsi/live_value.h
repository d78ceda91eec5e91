// A setting that administration changes while every loop reads it.
#pragma once

#include <atomic>

namespace srpd::scsi {

/// Reads and writes like a T, each by itself and without a lock: for values that mean something
/// alone, since nothing orders two of them. Copying copies the value.
template <class T>
class LiveValue {
 public:
  using Value = T;

  constexpr LiveValue() = default;
  constexpr LiveValue(T value) : value_(value) {}
  LiveValue(const LiveValue& other) : value_(other.get()) {}
  LiveValue& operator=(const LiveValue& other) { return *this = other.get(); }
  LiveValue& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

  T get() const { return value_.load(std::memory_order_relaxed); }
  operator T() const { return get(); }

 private:
  std::atomic<T> value_{};
};

}  // namespace srpd::scsi
