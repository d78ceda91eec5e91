// A queue of things linked by their member `next`.
#pragma once

namespace srpd::transport {

template <class T>
class WorkQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  T& front() const { return *first_; }  ///< not when it is empty
  void push(T& item) {
    item.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &item;
    last_ = &item;
  }
  /// Null when it is empty.
  T* pop() {
    T* const item = first_;
    if (item != nullptr) {
      first_ = item->next;
      if (first_ == nullptr) last_ = nullptr;
      item->next = nullptr;
    }
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace srpd::transport
