// An intrusive doubly-linked list that owns nothing.
#pragma once

#include <cstddef>

namespace srpd::transport::iwarp {

template <class T>
class LinkedList;

/// Base of what stands in a LinkedList<T>; in one at a time.
template <class T>
class Linked {
 private:
  friend class LinkedList<T>;
  T* next_in_list_ = nullptr;
  T* previous_in_list_ = nullptr;
};

template <class T>
class LinkedList {
 public:
  LinkedList() = default;
  LinkedList(const LinkedList&) = delete;
  LinkedList& operator=(const LinkedList&) = delete;

  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  T* front() const { return first_; }
  static T* next(const T& item) { return static_cast<const Linked<T>&>(item).next_in_list_; }

  void push_front(T& item) {
    links(item).previous_in_list_ = nullptr;
    links(item).next_in_list_ = first_;
    (first_ != nullptr ? links(*first_).previous_in_list_ : last_) = &item;
    first_ = &item;
    ++size_;
  }
  void push_back(T& item) {
    links(item).next_in_list_ = nullptr;
    links(item).previous_in_list_ = last_;
    (last_ != nullptr ? links(*last_).next_in_list_ : first_) = &item;
    last_ = &item;
    ++size_;
  }
  void remove(T& item) {
    Linked<T>& own = links(item);
    (own.previous_in_list_ != nullptr ? links(*own.previous_in_list_).next_in_list_ : first_) =
        own.next_in_list_;
    (own.next_in_list_ != nullptr ? links(*own.next_in_list_).previous_in_list_ : last_) =
        own.previous_in_list_;
    own.next_in_list_ = own.previous_in_list_ = nullptr;
    --size_;
  }

 private:
  static Linked<T>& links(T& item) { return item; }

  T* first_ = nullptr;
  T* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace srpd::transport::iwarp
