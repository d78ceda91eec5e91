// The event loop seam: one Loop per core. io_uring, epoll and the simulated one implement it;
// everything above gets time, readiness, file I/O, deferral and messages from other loops only
// through it (decision 3 of docs/architecture.md).
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "runtime/completion.h"
#include "runtime/loop_counts.h"

namespace srpd::runtime {

class BufferPool;
class FramePool;

/// Monotonic; the simulated loop's starts at 0.
using Time = std::chrono::nanoseconds;

/// Intrusive node for Loop::start_timer. `on_expire` runs once; the timer may be started again from
/// it. Timers with the same deadline expire in the order in which they were started. Must be
/// cancelled before it is destroyed while armed (checked).
class Timer {
 public:
  using Function = void (*)(Timer& self);
  explicit Timer(Function on_expire) : on_expire_(on_expire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  bool armed() const { return index_ != npos; }
  Time deadline() const { return deadline_; }

 private:
  friend class TimerHeap;
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  Function on_expire_;
  Time deadline_{};
  std::uint64_t sequence_ = 0;
  std::size_t index_ = npos;
};

/// Readiness of a file descriptor, edge-triggered: after on_ready the owner reads or writes until
/// EAGAIN, or continues by itself later. The first state is reported after watch().
class Watch {
 public:
  /// `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR bits.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  virtual ~Watch() = default;

 private:
  friend class UringLoop;
  friend class EpollLoop;
  std::uint32_t slot_ = UINT32_MAX;
};

/// Runs once at the end of the current loop iteration (or the next, when deferred from outside
/// one). Deferring an already deferred node does nothing. Used to gather work into one system call.
/// Must be cancelled before it is destroyed while queued (checked).
class Deferred {
 public:
  using Function = void (*)(Deferred& self);
  explicit Deferred(Function run) : run_(run) {}
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  ~Deferred() { CHECK(!queued_); }
  bool queued() const { return queued_; }

 private:
  friend class Loop;
  Function run_;
  Deferred* next_ = nullptr;
  bool queued_ = false;
};

/// A message from any thread to a loop; embedded in its owner, who keeps it until it has run.
class Mail {
 public:
  using Function = void (*)(Mail& self);
  explicit Mail(Function deliver) : deliver_(deliver) {}
  Mail(const Mail&) = delete;
  Mail& operator=(const Mail&) = delete;

 private:
  friend class Mailbox;
  friend class SimulatedLoop;
  Function deliver_;
  Mail* next_ = nullptr;
};

/// Called while the loop looks for work before it sleeps. Returns true when it found some.
class Poller {
 public:
  virtual bool poll() = 0;
  /// The loop is about to sleep, and only a Watch, a timer or a mail will wake it: whoever can be
  /// told of work in no other way arranges for that now. True when it found some all the same.
  virtual bool prepare_sleep() { return false; }

 protected:
  virtual ~Poller() = default;

 private:
  friend class Loop;
  Poller* next_ = nullptr;
  Poller* previous_ = nullptr;
};

/// File I/O. `buffers` and what they point to stay in place until completion; short transfers are
/// reported as such, not retried.
struct FileOperation : Completion {
  enum class Kind : std::uint8_t { read, write, write_dsync, fsync, fdatasync, allocate, discard };
  using Completion::Completion;

  Kind kind = Kind::read;
  int fd = -1;
  int mode = 0;  ///< allocate: fallocate(2) mode
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< allocate, discard
  std::span<const iovec> buffers;

  FileOperation* next = nullptr;  ///< for the loop
  int outcome = 0;                ///< for the loop
};

class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop();

  // Every member below is called on the loop's thread unless it says otherwise.

  /// Cached once per iteration.
  virtual Time now() const = 0;
  /// True on the thread that runs this loop (before run(), on the thread that made it).
  virtual bool is_current() const = 0;

  /// Arms it, or moves it when it is armed. A deadline in the past is taken as now().
  virtual void start_timer(Timer& timer, Time deadline) = 0;
  /// Does nothing when it is not armed.
  virtual void cancel_timer(Timer& timer) = 0;

  /// The descriptor must be non-blocking. -errno or 0.
  virtual int watch(Watch& watch, int fd) = 0;
  /// No on_ready after this returns. The descriptor is still open at this point.
  virtual void unwatch(Watch& watch) = 0;

  /// May complete inline.
  virtual void submit(FileOperation& operation) = 0;

  /// Any thread, no allocation. Mails of one sender arrive in order.
  virtual void post(Mail& mail) = 0;

  void defer(Deferred& deferred);
  /// Does nothing when it is not queued. Walks the queue: for tearing down, not for the I/O path.
  void cancel_deferred(Deferred& deferred);

  void add_poller(Poller& poller);
  void remove_poller(Poller& poller);

  /// Until stop(). May be called again afterwards.
  virtual void run() = 0;
  /// Any thread. The iteration that is under way is finished; before run() it makes that return at
  /// once.
  virtual void stop() = 0;

  /// "io_uring", "epoll", "simulated".
  virtual std::string_view kind() const = 0;

  /// Data buffers and coroutine frames of this loop.
  virtual BufferPool& buffers() = 0;
  virtual FramePool& frames() = 0;

  /// Any thread.
  const LoopCounts& counts() const { return counts_; }

  /// The loop this thread runs, or null. Set by run(), and by the constructor of a loop for the
  /// time before run() where the thread had none.
  static Loop* current();

 protected:
  static void set_current(Loop* loop);
  /// Runs what was deferred, including what that defers, up to a bound; true when anything ran.
  bool run_deferred();
  /// True when one of them found work.
  bool run_pollers() { return for_each_poller(&Poller::poll); }
  /// Before a sleep; true when one of them found work, so that there is no reason to.
  bool prepare_pollers() { return for_each_poller(&Poller::prepare_sleep); }
  bool has_pollers() const { return pollers_ != nullptr; }
  bool has_deferred() const { return deferred_head_ != nullptr; }

  LoopCounts counts_;

 private:
  bool for_each_poller(bool (Poller::*call)());

  Deferred* deferred_head_ = nullptr;
  Deferred** deferred_tail_ = &deferred_head_;
  Poller* pollers_ = nullptr;
  Poller* next_poller_ = nullptr;  // where for_each_poller() goes on; survives removal from a call
};

struct LoopOptions {
  enum class Backend { automatic, io_uring, epoll };
  Backend backend = Backend::automatic;
  /// How long to look for work before sleeping, after work was found. The loop lowers it by itself
  /// when looking does not pay (adaptive polling); 0 never polls. Default: what some wake-ups cost
  /// on this machine (wake_cost.h).
  std::optional<std::chrono::microseconds> poll_budget{};
  std::size_t buffer_bytes = std::size_t{64} << 20;  ///< bound of the data buffer pool
  int file_threads = 4;  ///< workers for the file I/O that the kernel only does waiting
};

/// io_uring where the kernel and its policy allow it, else epoll (logged once with the reason).
Expected<std::unique_ptr<Loop>> make_loop(const LoopOptions& options);

}  // namespace srpd::runtime
