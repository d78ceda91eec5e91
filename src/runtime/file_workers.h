// Threads that do file I/O for a loop whose kernel interface has no asynchronous one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/loop.h"

namespace srpd::runtime {

class FileWorkers {
 public:
  /// `done(context)` is called by a worker after each operation that ended.
  FileWorkers(int threads, void (*done)(void* context), void* context);
  /// Finishes what was submitted; results that were not delivered are dropped.
  ~FileWorkers();
  FileWorkers(const FileWorkers&) = delete;
  FileWorkers& operator=(const FileWorkers&) = delete;

  void submit(FileOperation& operation);
  bool has_finished() const { return finished_.load(std::memory_order_seq_cst) != nullptr; }
  /// Completes the operations that ended, in the order of their ends. Returns how many.
  std::uint64_t deliver();

 private:
  void start_threads();
  void work();
  void finish(FileOperation& operation);

  int wanted_;
  void (*done_)(void* context);
  void* context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  FileOperation* first_ = nullptr;
  FileOperation* last_ = nullptr;
  bool stopping_ = false;
  std::atomic<FileOperation*> finished_{nullptr};
  std::vector<std::thread> threads_;
};

}  // namespace srpd::runtime
