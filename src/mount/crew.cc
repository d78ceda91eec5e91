#include "mount/crew.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "mount/signals.h"

namespace srpd::mount {
namespace {

// As many requests can wait at the same time, all but one. A thread costs what its stack touches.
constexpr std::size_t max_threads = 512;
constexpr unsigned max_idle_threads = 4;

thread_local bool is_leader = false;

}  // namespace

Crew::Crew(fuse_session& session, std::function<void()> on_end)
    : session_(session), on_end_(std::move(on_end)) {}

Crew::~Crew() {
  stop();
  if (stop_event_ >= 0) ::close(stop_event_);
}

int Crew::start() {
  stop_event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_event_ < 0) return errno;
  const std::lock_guard lock(lock_);
  return add_thread() ? 0 : EAGAIN;
}

void Crew::stop() {
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
  }
  vacant_.notify_all();
  if (stop_event_ >= 0) ::eventfd_write(stop_event_, 1);
  std::unique_lock lock(lock_);
  vacant_.wait(lock, [this] { return threads_.empty(); });
  join_ended();
}

bool Crew::add_thread() {
  join_ended();
  if (threads_.size() >= max_threads) return false;
  try {
    const SignalsBlocked blocked;
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    log::warning("tree: no more threads for those who change it: {}", error.what());
    return false;
  }
  return true;
}

void Crew::join_ended() {
  for (std::thread& thread : ended_) thread.join();
  ended_.clear();
}

void Crew::run() {
  fuse_buf buffer{};
  while (become_leader()) {
    while (is_leader && receive(buffer)) {
      ++requests_;
      fuse_session_process_buf(&session_, &buffer);
    }
  }
  std::free(buffer.mem);
  const std::lock_guard lock(lock_);
  const auto self = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& each) {
    return each.get_id() == std::this_thread::get_id();
  });
  ended_.splice(ended_.end(), threads_, self);
  vacant_.notify_all();
}

/// False when the thread is not needed any more.
bool Crew::become_leader() {
  std::unique_lock lock(lock_);
  if (idle_ >= max_idle_threads) return false;
  ++idle_;
  vacant_.wait(lock, [this] { return stopping_ || !led_; });
  --idle_;
  if (stopping_) return false;
  led_ = is_leader = true;
  return true;
}

void Crew::hand_over() {
  if (!is_leader) return;
  const std::lock_guard lock(lock_);
  if (idle_ == 0 && !add_thread()) return;
  led_ = is_leader = false;
  vacant_.notify_one();
}

/// False when the crew is to stop.
bool Crew::receive(fuse_buf& buffer) {
  for (;;) {
    pollfd sources[] = {{fuse_session_fd(&session_), POLLIN, 0}, {stop_event_, POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0) continue;  // EINTR, or memory is short for the moment
    if (sources[1].revents != 0) break;
    const int rc = fuse_session_receive_buf(&session_, &buffer);
    if (rc > 0) return true;
    if (rc == -EAGAIN || rc == -EINTR) continue;  // whoever asked does not wait any more
    on_end_();
    break;
  }
  is_leader = false;
  const std::lock_guard lock(lock_);
  stopping_ = true;
  vacant_.notify_all();
  return false;
}

}  // namespace srpd::mount
