#include "runtime/loop.h"

namespace srpd::runtime {
namespace {

thread_local Loop* current_loop = nullptr;

}  // namespace

Timer::~Timer() { CHECK(!armed()); }

Loop::~Loop() {
  if (current_loop == this) current_loop = nullptr;
}

Loop* Loop::current() { return current_loop; }

void Loop::set_current(Loop* loop) { current_loop = loop; }

void Loop::defer(Deferred& deferred) {
  DCHECK(is_current());
  if (deferred.queued_) return;
  deferred.queued_ = true;
  deferred.next_ = nullptr;
  *deferred_tail_ = &deferred;
  deferred_tail_ = &deferred.next_;
}

void Loop::cancel_deferred(Deferred& deferred) {
  if (!deferred.queued_) return;
  Deferred** link = &deferred_head_;
  while (*link != &deferred) link = &(*link)->next_;
  *link = deferred.next_;
  if (deferred_tail_ == &deferred.next_) deferred_tail_ = link;
  deferred.queued_ = false;
}

bool Loop::run_deferred() {
  // Enough to run everything in practice; two nodes that defer each other for ever must not keep
  // timers and sockets waiting.
  constexpr int bound = 4096;
  int ran = 0;
  while (deferred_head_ != nullptr && ran < bound) {
    Deferred& deferred = *deferred_head_;
    deferred_head_ = deferred.next_;
    if (deferred_head_ == nullptr) deferred_tail_ = &deferred_head_;
    deferred.queued_ = false;
    deferred.run_(deferred);  // may defer or destroy it
    ++ran;
  }
  return ran > 0;
}

void Loop::add_poller(Poller& poller) {
  poller.previous_ = nullptr;
  poller.next_ = pollers_;
  if (pollers_ != nullptr) pollers_->previous_ = &poller;
  pollers_ = &poller;
}

void Loop::remove_poller(Poller& poller) {
  if (next_poller_ == &poller) next_poller_ = poller.next_;
  (poller.previous_ != nullptr ? poller.previous_->next_ : pollers_) = poller.next_;
  if (poller.next_ != nullptr) poller.next_->previous_ = poller.previous_;
  poller.next_ = poller.previous_ = nullptr;
}

bool Loop::for_each_poller(bool (Poller::*call)()) {
  bool found = false;
  for (Poller* poller = pollers_; poller != nullptr; poller = next_poller_) {
    next_poller_ = poller->next_;
    found |= (poller->*call)();
  }
  return found;
}

}  // namespace srpd::runtime
