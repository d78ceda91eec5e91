#include "runtime/file_workers.h"

#include <algorithm>
#include <utility>

#include "runtime/file_operation.h"

namespace srpd::runtime {

FileWorkers::FileWorkers(int threads, void (*done)(void* context), void* context)
    : wanted_(std::max(threads, 1)), done_(done), context_(context) {}

FileWorkers::~FileWorkers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// With the first operation: a loop that serves no file needs no workers.
void FileWorkers::start_threads() {
  threads_.reserve(static_cast<std::size_t>(wanted_));
  while (std::cmp_less(threads_.size(), wanted_)) threads_.emplace_back([this] { work(); });
}

void FileWorkers::submit(FileOperation& operation) {
  if (threads_.empty()) start_threads();
  operation.next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    (last_ != nullptr ? last_->next : first_) = &operation;
    last_ = &operation;
  }
  wake_.notify_one();
}

void FileWorkers::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return first_ != nullptr || stopping_; });
    if (first_ == nullptr) return;
    FileOperation& operation = *first_;
    first_ = operation.next;
    if (first_ == nullptr) last_ = nullptr;
    lock.unlock();
    operation.outcome = perform(operation);
    finish(operation);
    lock.lock();
  }
}

void FileWorkers::finish(FileOperation& operation) {
  FileOperation* head = finished_.load(std::memory_order_relaxed);
  do {
    operation.next = head;
  } while (!finished_.compare_exchange_weak(head, &operation, std::memory_order_seq_cst,
                                            std::memory_order_relaxed));
  done_(context_);
}

std::uint64_t FileWorkers::deliver() {
  if (finished_.load(std::memory_order_relaxed) == nullptr) return 0;
  std::uint64_t delivered = 0;
  FileOperation* newest = finished_.exchange(nullptr, std::memory_order_acquire);
  FileOperation* oldest = nullptr;
  while (newest != nullptr) {
    FileOperation* const next = std::exchange(newest->next, oldest);
    oldest = std::exchange(newest, next);
  }
  while (oldest != nullptr) {
    FileOperation* const next = oldest->next;
    oldest->complete(oldest->outcome);
    oldest = next;
    ++delivered;
  }
  return delivered;
}

}  // namespace srpd::runtime
