// Messages from any thread to one loop: an intrusive list that many push and one takes whole.
// Pushing is one compare-and-swap; nothing is allocated.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/loop.h"

namespace srpd::runtime {

class Mailbox {
 public:
  /// Any thread. Sequentially consistent, so that a loop that announces sleep and then finds the
  /// box empty is seen as asleep by whoever pushes next.
  void push(Mail& mail) {
    Mail* head = head_.load(std::memory_order_relaxed);
    do {
      mail.next_ = head;
    } while (!head_.compare_exchange_weak(head, &mail, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }

  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

  /// Delivers what is there, in the order of pushing; what arrives meanwhile waits for the next
  /// call. Returns how many. A mail may be destroyed or posted again while it is delivered.
  std::uint64_t deliver() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return 0;
    std::uint64_t delivered = 0;
    Mail* mail = reversed(head_.exchange(nullptr, std::memory_order_acquire));
    while (mail != nullptr) {
      Mail* const next = mail->next_;
      mail->deliver_(*mail);
      mail = next;
      ++delivered;
    }
    return delivered;
  }

 private:
  static Mail* reversed(Mail* mail) {
    Mail* out = nullptr;
    while (mail != nullptr) {
      Mail* const next = mail->next_;
      mail->next_ = out;
      out = mail;
      mail = next;
    }
    return out;
  }

  alignas(64) std::atomic<Mail*> head_{nullptr};
};

}  // namespace srpd::runtime
