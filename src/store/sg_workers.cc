#include "store/sg_workers.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.h"

namespace srpd::store {

SgWorkers::SgWorkers(unsigned most, Call call) : most_(std::max(most, 1u)), call_(std::move(call)) {
  threads_.reserve(most_);
}

SgWorkers::~SgWorkers() {
  {
    const std::lock_guard lock(mutex_);
    CHECK(first_ == nullptr && idle_ == threads_.size());
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SgWorkers::submit(runtime::Loop& loop, ScsiOperation& operation) {
  operation.loop = &loop;
  operation.next = nullptr;
  std::unique_lock lock(mutex_);
  if (waiting_ >= idle_ && !grow() && threads_.empty()) {
    lock.unlock();
    operation.outcome = -EBUSY;  // the process may not have another thread
    loop.post(operation.way_back);
    return;
  }
  (last_ != nullptr ? last_->next : first_) = &operation;
  last_ = &operation;
  ++waiting_;
  lock.unlock();
  wake_.notify_one();
}

/// With mutex_ held. A new thread counts as idle until it has found work.
bool SgWorkers::grow() {
  if (threads_.size() >= most_) return false;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    return false;
  }
  ++idle_;
  return true;
}

void SgWorkers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return first_ != nullptr || stopping_; });
    if (first_ == nullptr) return;
    ScsiOperation& operation = *first_;
    CHECK(take_out(operation));
    --idle_;
    lock.unlock();
    call_(operation);
    lock.lock();
    ++idle_;
    // Under the lock: once the operation has completed, this object may go.
    operation.loop->post(operation.way_back);
  }
}

void SgWorkers::cancel(ScsiOperation& operation) {
  {
    const std::lock_guard lock(mutex_);
    if (!take_out(operation)) return;
  }
  operation.outcome = -ECANCELED;
  operation.loop->post(operation.way_back);
}

/// With mutex_ held. False when it is not in the queue (any more).
bool SgWorkers::take_out(ScsiOperation& operation) {
  ScsiOperation* before = nullptr;
  for (ScsiOperation* at = first_; at != nullptr; before = at, at = at->next) {
    if (at != &operation) continue;
    (before == nullptr ? first_ : before->next) = operation.next;
    if (last_ == &operation) last_ = before;
    --waiting_;
    return true;
  }
  return false;
}

}  // namespace srpd::store
