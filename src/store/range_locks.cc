#include "store/range_locks.h"

#include "base/check.h"

namespace srpd::store {
namespace {

bool conflict(const RangeLocks::Range& a, const RangeLocks::Range& b) {
  return a.begin < b.end && b.begin < a.end && !(a.shared && b.shared);
}

}  // namespace

RangeLocks::~RangeLocks() { CHECK(first_ == nullptr); }

void RangeLocks::acquire(runtime::Loop& loop, Hold& hold, const Range& range) {
  hold.range_ = range;
  hold.loop_ = &loop;
  {
    const std::lock_guard lock(mutex_);
    hold.previous_ = last_;
    hold.next_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_) = &hold;
    last_ = &hold;
    hold.held_ = is_free(hold);
    if (!hold.held_) return;
  }
  hold.complete(0);
}

void RangeLocks::release(Hold& hold) {
  Hold* granted = nullptr;
  {
    const std::lock_guard lock(mutex_);
    (hold.previous_ == nullptr ? first_ : hold.previous_->next_) = hold.next_;
    (hold.next_ == nullptr ? last_ : hold.next_->previous_) = hold.previous_;
    granted = grant_from(hold.next_);
  }
  while (granted != nullptr) {
    Hold& next = *granted;
    granted = next.next_granted_;  // it may be gone once it has its mail
    next.loop_->post(next);
  }
}

/// Nobody who came earlier wants what conflicts with it, whether he has it yet or not.
bool RangeLocks::is_free(const Hold& wanted) const {
  for (const Hold* each = first_; each != &wanted; each = each->next_)
    if (conflict(each->range_, wanted.range_)) return false;
  return true;
}

RangeLocks::Hold* RangeLocks::grant_from(Hold* first) {
  Hold* granted = nullptr;
  Hold** tail = &granted;
  for (Hold* each = first; each != nullptr; each = each->next_) {
    if (each->held_ || !is_free(*each)) continue;
    each->held_ = true;
    each->next_granted_ = nullptr;
    *tail = each;
    tail = &each->next_granted_;
  }
  return granted;
}

}  // namespace srpd::store
