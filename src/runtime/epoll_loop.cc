#include "runtime/epoll_loop.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/check.h"
#include "runtime/file_operation.h"

namespace srpd::runtime {
namespace {

constexpr std::uint64_t wake_token = UINT64_MAX;

timespec to_timespec(Time time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

int to_milliseconds(Time time) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return static_cast<int>(std::min<std::int64_t>(rounded, INT_MAX));
}

}  // namespace

EpollLoop::EpollLoop(const LoopOptions& options)
    : HostLoop(options),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      workers_(
          options.file_threads, [](void* self) { static_cast<EpollLoop*>(self)->wake(); }, this) {
  CHECK(epoll_fd_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = wake_token;
  CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd(), &event) == 0);
}

EpollLoop::~EpollLoop() { ::close(epoll_fd_); }

int EpollLoop::watch(Watch& watch, int fd) {
  DCHECK(is_current());
  CHECK(watch.slot_ == UINT32_MAX);
  std::uint32_t index = 0;
  if (free_slots_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
    free_slots_.reserve(slots_.capacity());
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = (std::uint64_t{slot.generation} << 32) | index;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0) {
    free_slots_.push_back(index);
    return -errno;
  }
  slot.watch = &watch;
  slot.fd = fd;
  watch.slot_ = index;
  return 0;
}

void EpollLoop::unwatch(Watch& watch) {
  DCHECK(is_current());
  if (watch.slot_ == UINT32_MAX) return;
  Slot& slot = slots_[watch.slot_];
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, slot.fd, nullptr);
  slot.watch = nullptr;
  ++slot.generation;
  free_slots_.push_back(watch.slot_);
  watch.slot_ = UINT32_MAX;
}

void EpollLoop::submit(FileOperation& operation) {
  DCHECK(is_current());
  const int rc = perform_without_waiting(operation);
  if (rc == -EAGAIN) {
    workers_.submit(operation);
  } else {
    operation.complete(rc);
  }
}

bool EpollLoop::collect(Time timeout) {
  const int count = wait(timeout);
  if (timeout != Time{}) woke_up();
  bool worked = false;
  for (int i = 0; i < count; ++i) worked |= dispatch(events_[static_cast<std::size_t>(i)]);
  const std::uint64_t delivered = workers_.deliver();
  if (delivered != 0) counts_.file_operations.add(delivered);
  return delivered != 0 || worked;
}

int EpollLoop::wait(Time timeout) {
  const int room = static_cast<int>(events_.size());
  if (timeout == Time{}) return ::epoll_wait(epoll_fd_, events_.data(), room, 0);
  if (timeout == Time::max()) return ::epoll_wait(epoll_fd_, events_.data(), room, -1);
  if (nanosecond_timeout_) {
    const timespec limit = to_timespec(timeout);
    const int count = ::epoll_pwait2(epoll_fd_, events_.data(), room, &limit, nullptr);
    if (count >= 0 || errno == EINTR) return count;
    nanosecond_timeout_ = false;  // an older kernel, or a filter that does not know the call
  }
  return ::epoll_wait(epoll_fd_, events_.data(), room, to_milliseconds(timeout));
}

bool EpollLoop::dispatch(const epoll_event& event) {
  if (event.data.u64 == wake_token) return false;
  const Slot& slot = slots_[event.data.u64 & UINT32_MAX];
  if (slot.watch == nullptr || slot.generation != event.data.u64 >> 32) return false;
  counts_.events.add();
  slot.watch->on_ready(event.events);  // may watch and unwatch, also itself
  return true;
}

}  // namespace srpd::runtime
