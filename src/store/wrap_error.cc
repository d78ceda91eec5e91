#include "store/wrap_error.h"

#include <algorithm>

namespace srpd::store {

/// An operation whose answer is replaced when the inner store has done it. Allocated: this is a
/// test double.
struct WrapError::Spoiled : Operation {
  Spoiled(Operation& asked, int answer)
      : Operation(&Spoiled::finish), original(asked), result_instead(answer) {
    kind = asked.kind;
    fua = asked.fua;
    may_unmap = asked.may_unmap;
    offset = asked.offset;
    length = asked.length;
    buffers = asked.buffers;
  }

  static void finish(Completion& self) {
    const std::unique_ptr<Spoiled> spoiled(&static_cast<Spoiled&>(self));
    spoiled->original.complete(spoiled->result_instead);
  }

  Operation& original;
  int result_instead;
};

void WrapError::inject(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
}

void WrapError::clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

bool WrapError::take(const Operation& operation, Fault& hit) {
  const std::lock_guard lock(mutex_);
  for (Fault& fault : faults_) {
    const bool kind_matches = (fault.kinds & Fault::bit(operation.kind)) != 0;
    const bool is_flush = operation.kind == Operation::Kind::flush;
    const bool overlaps =
        operation.offset + operation.length > fault.first &&
        (operation.offset < fault.first || operation.offset - fault.first < fault.length);
    if (!kind_matches || fault.times == 0 || !(is_flush || overlaps)) continue;
    if (fault.times != Fault::forever) --fault.times;
    hit = fault;
    return true;
  }
  return false;
}

void WrapError::submit(runtime::Loop& loop, Operation& operation) {
  Fault fault;
  if (!take(operation, fault)) {
    inner_->submit(loop, operation);
    return;
  }
  injected_.fetch_add(1, std::memory_order_relaxed);
  operation.error_offset = std::max(operation.offset, fault.first);
  if (fault.after_the_work) {
    inner_->submit(loop, *new Spoiled(operation, fault.result));
  } else {
    operation.complete(fault.result);
  }
}

}  // namespace srpd::store
