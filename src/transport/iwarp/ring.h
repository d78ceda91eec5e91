// A queue of fixed capacity, allocated once.
#pragma once

#include <cstddef>
#include <memory>

#include "base/check.h"

namespace srpd::transport::iwarp {

template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity)
      : entries_(capacity == 0 ? nullptr : new T[capacity]), capacity_(capacity) {}

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == capacity_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }

  T& front() { return (*this)[0]; }
  /// From the oldest on.
  T& operator[](std::size_t index) {
    DCHECK(index < size_);
    return entries_[place(index)];
  }
  void push(const T& value) {
    CHECK(!full());
    entries_[place(size_)] = value;
    ++size_;
  }
  void pop() {
    CHECK(!empty());
    first_ = place(1);
    --size_;
  }

 private:
  std::size_t place(std::size_t index) const {
    const std::size_t at = first_ + index;
    return at < capacity_ ? at : at - capacity_;
  }

  std::unique_ptr<T[]> entries_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace srpd::transport::iwarp
