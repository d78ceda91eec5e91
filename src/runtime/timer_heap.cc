#include "runtime/timer_heap.h"

namespace srpd::runtime {

void TimerHeap::start(Timer& timer, Time deadline) {
  if (timer.armed()) remove(timer);
  timer.deadline_ = deadline;
  timer.sequence_ = sequence_++;
  heap_.push_back(&timer);
  sift_up(timer, heap_.size() - 1);
}

void TimerHeap::cancel(Timer& timer) {
  if (timer.armed()) remove(timer);
}

bool TimerHeap::expire(Time now) {
  const std::uint64_t limit = sequence_;
  bool ran = false;
  while (!heap_.empty()) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ > now || timer.sequence_ >= limit) break;
    remove(timer);
    ran = true;
    timer.on_expire_(timer);  // may start or destroy it
  }
  return ran;
}

void TimerHeap::put(Timer& timer, std::size_t index) {
  heap_[index] = &timer;
  timer.index_ = index;
}

void TimerHeap::sift_up(Timer& timer, std::size_t index) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!before(timer, *heap_[parent])) break;
    put(*heap_[parent], index);
    index = parent;
  }
  put(timer, index);
}

void TimerHeap::sift_down(Timer& timer, std::size_t index) {
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], timer)) break;
    put(*heap_[child], index);
    index = child;
  }
  put(timer, index);
}

void TimerHeap::remove(Timer& timer) {
  const std::size_t index = timer.index_;
  CHECK(index < heap_.size() && heap_[index] == &timer);
  Timer& last = *heap_.back();
  heap_.pop_back();
  timer.index_ = Timer::npos;
  if (&last == &timer) return;
  // The last one may belong above or below the gap.
  if (index > 0 && before(last, *heap_[(index - 1) / 2])) {
    sift_up(last, index);
  } else {
    sift_down(last, index);
  }
}

}  // namespace srpd::runtime
