#include "runtime/host_loop.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/wake_cost.h"

namespace srpd::runtime {
namespace {

using namespace std::chrono_literals;

constexpr Time tending_interval = 1s;
// A request that finds the loop awake saves its wake-up and often the one of the host that waits
// for the answer, with what the processors need to get going again. Looking may cost what a few
// such requests save: like the 200 us for which KVM keeps an idle processor of a guest.
constexpr int wakes_per_look = 16;
constexpr Time shortest_look = 50us;
constexpr Time longest_look = 5ms;

// What the process may use counts, not the one CPU a loop is bound to.
int processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return ::sched_getaffinity(::getpid(), sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 2;
}

// Looking on all processors would keep them from whoever is to produce the work. So one is left,
// and with one alone nobody looks.
Lookouts& lookouts() {
  static Lookouts all{processors() - 1};
  return all;
}

Time poll_budget(const LoopOptions& options) {
  if (processors() < 2) return {};
  if (options.poll_budget) return std::max(Time{*options.poll_budget}, Time{});
  return std::clamp(wakes_per_look * wake_cost(), shortest_look, longest_look);
}

const void* this_thread() {
  static thread_local const char tag = 0;
  return &tag;
}

// Whoever else could use this processor gets it now, not when the scheduler takes it away from a
// loop that only looks: among them are those who would produce the work.
void relax() { ::sched_yield(); }

}  // namespace

HostLoop::HostLoop(const LoopOptions& options)
    : buffers_(std::max<std::size_t>(options.buffer_bytes, BufferPool::largest)),
      pace_(poll_budget(options), lookouts()),
      now_(clock()),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      owner_(this_thread()) {
  CHECK(wake_fd_ >= 0);
  if (current() == nullptr) set_current(this);
}

HostLoop::~HostLoop() { ::close(wake_fd_); }

bool HostLoop::is_current() const {
  return owner_.load(std::memory_order_relaxed) == this_thread();
}

void HostLoop::start_timer(Timer& timer, Time deadline) {
  DCHECK(is_current());
  timers_.start(timer, std::max(deadline, now_));
}

void HostLoop::cancel_timer(Timer& timer) {
  DCHECK(is_current());
  timers_.cancel(timer);
}

void HostLoop::post(Mail& mail) {
  mailbox_.push(mail);
  wake();
}

void HostLoop::stop() {
  stopping_.store(true, std::memory_order_seq_cst);
  wake();
}

void HostLoop::wake() {
  // The poster's push and this load, and the loop's announcement and its look into the mailbox, are
  // in one total order: at least one of the two sees the other.
  if (!sleeping_.load(std::memory_order_seq_cst)) return;
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  counts_.wakes.fetch_add(1, std::memory_order_relaxed);
  // It cannot be full: nobody wakes 2^64 times.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
}

void HostLoop::run() {
  Loop* const outer = current();
  set_current(this);
  owner_.store(this_thread(), std::memory_order_relaxed);
  while (!stopping_.load(std::memory_order_acquire)) iterate();
  stopping_.store(false, std::memory_order_relaxed);
  set_current(outer);
}

void HostLoop::iterate() {
  now_ = clock();
  // Pollers first: work they find saves the system call that would have announced it. The kernel
  // gets its turn all the same.
  constexpr unsigned most_skipped = 8;
  const bool polled = run_pollers();
  bool worked = polled;
  if (const std::uint64_t delivered = mailbox_.deliver(); delivered != 0) {
    counts_.mails.add(delivered);
    worked = true;
  }
  worked |= timers_.expire(now_);
  bool slept = false;
  if (worked || has_deferred() || has_ready() || pace_.keep_looking(now_)) {
    if (!polled || ++skipped_ >= most_skipped) {
      skipped_ = 0;
      worked |= collect(Time{});
    }
  } else if (prepare_pollers()) {
    worked = true;
  } else if (!has_deferred()) {
    worked |= sleep(slept);
  }
  worked |= run_deferred();
  count_turn(worked, slept);
  if (worked) {
    pace_.found_work(now_);
    busy_ = true;
  } else {
    relax();
  }
  if (now_ >= next_tending_) tend_buffers();
}

void HostLoop::count_turn(bool worked, bool slept) {
  (slept ? counts_.sleeps : worked ? counts_.looks_with_work : counts_.looks_without_work).add();
}

bool HostLoop::sleep(bool& slept) {
  bool worked = false;
  sleeping_.store(true, std::memory_order_seq_cst);
  if (mailbox_.empty() && !has_ready() && !stopping_.load(std::memory_order_seq_cst)) {
    slept = true;
    worked = collect(sleep_time());
  }
  sleeping_.store(false, std::memory_order_relaxed);
  return worked;
}

void HostLoop::woke_up() {
  sleeping_.store(false, std::memory_order_relaxed);
  now_ = clock();
}

Time HostLoop::sleep_time() const {
  Time until = timers_.next().value_or(Time::max());
  if (buffers_.can_trim()) until = std::min(until, next_tending_);
  if (until == Time::max()) return until;
  // Not zero: that would mean not to wait.
  return std::max(until - now_, Time{1});
}

void HostLoop::tend_buffers() {
  next_tending_ = now_ + tending_interval;
  if (busy_) {
    buffers_.age();
  } else {
    buffers_.trim();
  }
  busy_ = false;
}

Time HostLoop::clock() {
  timespec ts{};
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return std::chrono::seconds{ts.tv_sec} + Time{ts.tv_nsec};
}

}  // namespace srpd::runtime
