#include "store/wrap_delay.h"

#include "base/check.h"

namespace srpd::store {

/// Allocated per delayed operation: this is a test double.
struct WrapDelay::Late : runtime::Timer {
  Late(WrapDelay& wrapper, runtime::Loop& on, Operation& late)
      : Timer(&Late::expired), store(wrapper), loop(on), operation(late) {}

  static void expired(Timer& self) {
    const std::unique_ptr<Late> late(&static_cast<Late&>(self));
    late->store.inner_->submit(late->loop, late->operation);
  }

  WrapDelay& store;
  runtime::Loop& loop;
  Operation& operation;
};

WrapDelay::~WrapDelay() { CHECK(hanging_.empty()); }

void WrapDelay::submit(runtime::Loop& loop, Operation& operation) {
  const runtime::Time delay = plan_(operation);
  if (delay == runtime::Time::zero()) {
    inner_->submit(loop, operation);
  } else if (delay == hang) {
    const std::lock_guard lock(mutex_);
    hanging_.push_back({&loop, &operation});
  } else {
    Late* const late = new Late(*this, loop, operation);
    loop.start_timer(*late, loop.now() + delay);
  }
}

void WrapDelay::release(runtime::Loop& loop) {
  std::vector<Hanging> released;
  {
    const std::lock_guard lock(mutex_);
    std::vector<Hanging> others;
    for (const Hanging& entry : hanging_)
      (entry.loop == &loop ? released : others).push_back(entry);
    hanging_ = std::move(others);
  }
  for (const Hanging& entry : released) inner_->submit(loop, *entry.operation);
}

std::size_t WrapDelay::hanging() const {
  const std::lock_guard lock(mutex_);
  return hanging_.size();
}

}  // namespace srpd::store
