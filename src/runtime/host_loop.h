// What the loops on a real kernel share: the clock, timers, mailbox, pools, the order of an
// iteration, and when to sleep. EpollLoop and UringLoop add events and file I/O.
#pragma once

#include <atomic>

#include "runtime/adaptive_poll.h"
#include "runtime/buffer_pool.h"
#include "runtime/frame_pool.h"
#include "runtime/loop.h"
#include "runtime/mailbox.h"
#include "runtime/timer_heap.h"

namespace srpd::runtime {

class HostLoop : public Loop {
 public:
  ~HostLoop() override;

  Time now() const override { return now_; }
  bool is_current() const override;
  void start_timer(Timer& timer, Time deadline) override;
  void cancel_timer(Timer& timer) override;
  void post(Mail& mail) override;
  void run() override;
  void stop() override;
  BufferPool& buffers() override { return buffers_; }
  FramePool& frames() override { return frames_; }

 protected:
  explicit HostLoop(const LoopOptions& options);

  /// Takes and handles what the kernel has; waits up to `timeout` for it, not at all for zero, for
  /// ever for Time::max(). True when there was anything besides a wake-up. Calls woke_up() between
  /// waiting and handling.
  virtual bool collect(Time timeout) = 0;
  /// Something of the back end's own is ready, so that sleeping is wrong.
  virtual bool has_ready() const { return false; }

  void woke_up();
  /// Any thread: ends a sleep; one system call when the loop sleeps, none otherwise.
  void wake();
  /// Becomes readable with wake(). Never read: edge-triggered.
  int wake_fd() const { return wake_fd_; }

 private:
  void iterate();
  bool sleep(bool& slept);
  void count_turn(bool worked, bool slept);
  Time sleep_time() const;
  void tend_buffers();
  static Time clock();

  FramePool frames_;
  BufferPool buffers_;
  TimerHeap timers_;
  AdaptivePoll pace_;
  Time now_;
  Time next_tending_{};
  bool busy_ = false;  // worked since the buffers were tended
  unsigned skipped_ = 0;
  int wake_fd_;
  std::atomic<const void*> owner_;  // identifies the thread
  Mailbox mailbox_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace srpd::runtime
