// Threads that wait for one SCSI device: SG_IO (Linux scsi/sg.h) has no form that does not. There
// are as many as the device takes commands at once, bounded, made when they are needed; when all of
// them wait, what comes next waits in a queue.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/loop.h"
#include "store/pass_through.h"

namespace srpd::store {

class SgWorkers {
 public:
  /// Makes the call and waits for it; sets the outcome.
  using Call = std::function<void(ScsiOperation& operation)>;

  SgWorkers(unsigned most, Call call);
  /// Nothing may be under way any more.
  ~SgWorkers();
  SgWorkers(const SgWorkers&) = delete;
  SgWorkers& operator=(const SgWorkers&) = delete;

  /// On `loop`, where it completes, not inline.
  void submit(runtime::Loop& loop, ScsiOperation& operation);
  void cancel(ScsiOperation& operation);

 private:
  void work();
  bool grow();
  bool take_out(ScsiOperation& operation);

  const unsigned most_;
  const Call call_;
  std::mutex mutex_;
  std::condition_variable wake_;
  ScsiOperation* first_ = nullptr;
  ScsiOperation* last_ = nullptr;
  unsigned waiting_ = 0;  ///< in the queue
  unsigned idle_ = 0;     ///< threads without work
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace srpd::store
