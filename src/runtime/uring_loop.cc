#include "runtime/uring_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>

#include "base/check.h"
#include "runtime/file_operation.h"

namespace srpd::runtime {
namespace {

constexpr unsigned submission_entries = 256;
constexpr unsigned completion_entries = 4096;

// user_data: a FileOperation's address, or by the low two bits a watch (generation, slot), the
// wake-up descriptor, or nothing of interest.
constexpr std::uint64_t tag_mask = 3;
constexpr std::uint64_t watch_tag = 1;
constexpr std::uint64_t wake_token = 2;
constexpr std::uint64_t ignored_token = 3;
constexpr std::uint32_t most_slots = 1u << 30;

constexpr std::uint64_t watch_token(std::uint32_t slot, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | (std::uint64_t{slot} << 2) | watch_tag;
}

constexpr std::uint32_t watched_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;

Error refusal(int error_number) {
  const std::string object = "io_uring";
  switch (error_number) {
    case ENOSYS:
      return {object, "this kernel has no io_uring, or a seccomp filter hides it", ""};
    case EINVAL:
      return {object, "this kernel is older than 5.19", ""};
    case ENOMEM:
      return {object, "not enough locked memory", "raise RLIMIT_MEMLOCK (ulimit -l)"};
    case EPERM:
    case EACCES:
      break;
    default:
      return {object, errno_text(error_number), ""};
  }
  // The sysctl is from kernel 6.6; 1 forbids it to processes without CAP_SYS_ADMIN, 2 to all.
  char value = '0';
  const int fd = ::open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (::read(fd, &value, 1) != 1) value = '0';
    ::close(fd);
  }
  if (value != '0') {
    return {object, std::string("forbidden by sysctl kernel.io_uring_disabled=") + value,
            "set it to 0 for less CPU per I/O"};
  }
  return {object, "forbidden by a seccomp filter or security module", ""};
}

// The opcodes we use, from one probe; old kernels lack some, filters may forbid some.
bool has_opcodes(io_uring& ring) {
  io_uring_probe* const probe = ::io_uring_get_probe_ring(&ring);
  if (probe == nullptr) return false;
  bool all = true;
  for (const int opcode :
       {IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_READ, IORING_OP_READV, IORING_OP_WRITE,
        IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE}) {
    all = all && io_uring_opcode_supported(probe, opcode) != 0;
  }
  ::io_uring_free_probe(probe);
  return all;
}

}  // namespace

Expected<std::unique_ptr<Loop>> UringLoop::make(const LoopOptions& options) {
  io_uring ring{};
  io_uring_params params{};
  // Completions are work for this thread when it enters the kernel anyway; the flag in the ring
  // says that some wait, so that looking for work stays free of system calls. Not DEFER_TASKRUN: it
  // ties the ring to one thread, and loops are made, run and destroyed on different ones.
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL;
  params.cq_entries = completion_entries;
  if (const int rc = ::io_uring_queue_init_params(submission_entries, &ring, &params); rc < 0)
    return tl::unexpected<Error>(refusal(-rc));
  constexpr unsigned features =
      IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_EXT_ARG;
  if ((params.features & features) != features || !has_opcodes(ring)) {
    ::io_uring_queue_exit(&ring);
    return failure("io_uring", "this kernel lacks operations that are needed");
  }
  ::io_uring_ring_dontfork(&ring);
  return std::unique_ptr<Loop>(new UringLoop(options, ring));
}

UringLoop::UringLoop(const LoopOptions& options, const io_uring& ring)
    : HostLoop(options),
      ring_(ring),
      workers_(
          options.file_threads, [](void* self) { static_cast<UringLoop*>(self)->wake(); }, this) {
  slots_.reserve(64);
  free_slots_.reserve(64);
  to_arm_.reserve(64);
  to_remove_.reserve(64);
  arm(wake_token);
}

UringLoop::~UringLoop() {
  // The kernel must not write into buffers that are about to go; results are dropped.
  while (files_in_flight_ > 0) {
    io_uring_cqe* cqe = nullptr;
    const int rc = ::io_uring_submit_and_wait(&ring_, 1);
    if (rc < 0 && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY) break;
    while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
      if ((cqe->user_data & tag_mask) == 0) --files_in_flight_;
      ::io_uring_cqe_seen(&ring_, cqe);
    }
  }
  ::io_uring_queue_exit(&ring_);
}

int UringLoop::watch(Watch& watch, int fd) {
  DCHECK(is_current());
  CHECK(watch.slot_ == UINT32_MAX);
  struct stat status{};
  if (::fstat(fd, &status) < 0) return -errno;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return -EPERM;  // as epoll_ctl(2)
  if (free_slots_.empty()) {
    CHECK(slots_.size() < most_slots);
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
    free_slots_.reserve(slots_.capacity());
  }
  watch.slot_ = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[watch.slot_];
  slot.watch = &watch;
  slot.fd = fd;
  arm(watch_token(watch.slot_, slot.generation));
  return 0;
}

void UringLoop::unwatch(Watch& watch) {
  DCHECK(is_current());
  if (watch.slot_ == UINT32_MAX) return;
  Slot& slot = slots_[watch.slot_];
  const std::uint64_t token = watch_token(watch.slot_, slot.generation);
  slot.watch = nullptr;
  ++slot.generation;
  free_slots_.push_back(watch.slot_);
  watch.slot_ = UINT32_MAX;
  if (!remove_now(token)) to_remove_.push_back(token);
  // The poll holds the open file: until it is gone the owner's close(2) would close nothing, a peer
  // would see no FIN and a port would stay taken.
  ::io_uring_submit_and_get_events(&ring_);
}

void UringLoop::submit(FileOperation& operation) {
  DCHECK(is_current());
  if (const int rc = check_arguments(operation); rc < 0) {
    operation.complete(rc);
    return;
  }
  if (operation.kind == FileOperation::Kind::discard) return workers_.submit(operation);
  if (operation.kind == FileOperation::Kind::read && read_from_cache(operation)) return;
  if (first_waiting_ == nullptr && submit_now(operation)) return;
  operation.next = nullptr;
  (last_waiting_ != nullptr ? last_waiting_->next : first_waiting_) = &operation;
  last_waiting_ = &operation;
}

bool UringLoop::read_from_cache(FileOperation& operation) {
  if (!cached_reads_.worth_trying()) return false;
  const int rc = perform_without_waiting(operation);
  cached_reads_.note(rc != -EAGAIN);
  if (rc == -EAGAIN) return false;
  operation.complete(rc);
  return true;
}

// The next free submission entry; null when the kernel does not take what is queued (it wants
// completions reaped first).
io_uring_sqe* UringLoop::entry() {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
  if (sqe != nullptr) return sqe;
  ::io_uring_submit(&ring_);
  return ::io_uring_get_sqe(&ring_);
}

void UringLoop::arm(std::uint64_t token) {
  if (!to_arm_.empty() || !arm_now(token)) to_arm_.push_back(token);
}

bool UringLoop::arm_now(std::uint64_t token) {
  int fd = wake_fd();
  if (token != wake_token) {
    const Slot* const slot = slot_of(token);
    if (slot == nullptr) return true;  // unwatched meanwhile
    fd = slot->fd;
  }
  io_uring_sqe* const sqe = entry();
  if (sqe == nullptr) return false;
  // Edge-triggered, since IORING_POLL_ADD_LEVEL is not set.
  ::io_uring_prep_poll_multishot(sqe, fd, token == wake_token ? EPOLLIN : watched_events);
  sqe->user_data = token;
  return true;
}

bool UringLoop::remove_now(std::uint64_t token) {
  io_uring_sqe* const sqe = entry();
  if (sqe == nullptr) return false;
  ::io_uring_prep_poll_remove(sqe, token);
  sqe->user_data = ignored_token;
  return true;
}

bool UringLoop::submit_now(FileOperation& operation) {
  io_uring_sqe* const sqe = entry();
  if (sqe == nullptr) return false;
  const auto count = static_cast<unsigned>(operation.buffers.size());
  const iovec* const buffers = operation.buffers.data();
  switch (operation.kind) {
    case FileOperation::Kind::read:
      ::io_uring_prep_readv(sqe, operation.fd, buffers, count, operation.offset);
      break;
    case FileOperation::Kind::write:
      ::io_uring_prep_writev(sqe, operation.fd, buffers, count, operation.offset);
      break;
    case FileOperation::Kind::write_dsync:
      ::io_uring_prep_writev2(sqe, operation.fd, buffers, count, operation.offset, RWF_DSYNC);
      break;
    case FileOperation::Kind::fsync:
      ::io_uring_prep_fsync(sqe, operation.fd, 0);
      break;
    case FileOperation::Kind::fdatasync:
      ::io_uring_prep_fsync(sqe, operation.fd, IORING_FSYNC_DATASYNC);
      break;
    case FileOperation::Kind::allocate:
      ::io_uring_prep_fallocate(sqe, operation.fd, operation.mode,
                                static_cast<off_t>(operation.offset),
                                static_cast<off_t>(operation.length));
      break;
    case FileOperation::Kind::discard:
      CHECK(false);  // the workers' (a command of the ring from kernel 6.12 on)
  }
  sqe->user_data = reinterpret_cast<std::uintptr_t>(&operation);
  ++files_in_flight_;
  return true;
}

void UringLoop::drain_backlog() {
  while (!to_remove_.empty() && remove_now(to_remove_.back())) to_remove_.pop_back();
  while (!to_arm_.empty() && arm_now(to_arm_.back())) to_arm_.pop_back();
  while (first_waiting_ != nullptr && submit_now(*first_waiting_)) {
    first_waiting_ = first_waiting_->next;
    if (first_waiting_ == nullptr) last_waiting_ = nullptr;
  }
}

bool UringLoop::collect(Time timeout) {
  if (backlogged()) drain_backlog();
  if (timeout != Time{}) {
    wait(timeout);
    woke_up();
  } else if (::io_uring_sq_ready(&ring_) > 0) {
    ::io_uring_submit(&ring_);
  }
  const bool worked = reap();
  const std::uint64_t delivered = workers_.deliver();
  if (delivered != 0) counts_.file_operations.add(delivered);
  return delivered != 0 || worked;
}

void UringLoop::wait(Time timeout) {
  // Errors (a signal, the time, completions to be reaped first) need no answer: the loop looks at
  // everything again.
  io_uring_cqe* cqe = nullptr;
  if (timeout == Time::max()) {
    ::io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, nullptr, nullptr);
    return;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  __kernel_timespec limit{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
  ::io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr);
}

// What handlers bring about meanwhile is left for the next iteration, so that they cannot keep
// deferred work, timers and mails waiting.
bool UringLoop::reap() {
  bool worked = false;
  io_uring_cqe* cqe = nullptr;
  if (::io_uring_peek_cqe(&ring_, &cqe) != 0) return false;  // lets the kernel post what it has
  for (unsigned left = ::io_uring_cq_ready(&ring_);
       left > 0 && ::io_uring_peek_cqe(&ring_, &cqe) == 0; --left) {
    const std::uint64_t token = cqe->user_data;
    const int result = cqe->res;
    const std::uint32_t flags = cqe->flags;
    ::io_uring_cqe_seen(&ring_, cqe);
    worked |= handle(token, result, flags);
  }
  return worked;
}

bool UringLoop::handle(std::uint64_t token, int result, std::uint32_t flags) {
  if (token == ignored_token) return false;
  if (token == wake_token) {
    if ((flags & IORING_CQE_F_MORE) == 0) arm(wake_token);
    return false;
  }
  if ((token & tag_mask) == watch_tag) return handle_poll(token, result, flags);
  return handle_file(*reinterpret_cast<FileOperation*>(static_cast<std::uintptr_t>(token)), result);
}

const UringLoop::Slot* UringLoop::slot_of(std::uint64_t token) const {
  const Slot& slot = slots_[(token & UINT32_MAX) >> 2];
  return slot.watch != nullptr && slot.generation == token >> 32 ? &slot : nullptr;
}

bool UringLoop::handle_poll(std::uint64_t token, int result, std::uint32_t flags) {
  const Slot* const slot = slot_of(token);
  if (slot == nullptr) return false;  // was in flight when it was unwatched
  if ((flags & IORING_CQE_F_MORE) == 0) {
    // The kernel ended the poll: the completion queue was full, or the thread that armed it is
    // gone. Arming reports the state at that time, so that no edge is lost. After a hang-up nothing
    // new can come.
    const bool over = result >= 0 ? (result & EPOLLHUP) != 0 : result != -ECANCELED;
    if (!over) arm(token);
  }
  if (result == -ECANCELED) return false;
  counts_.events.add();
  slot->watch->on_ready(result >= 0 ? static_cast<std::uint32_t>(result) : EPOLLERR);
  return true;
}

bool UringLoop::handle_file(FileOperation& operation, int result) {
  --files_in_flight_;
  if (result == -EINTR) {
    submit(operation);
  } else {
    counts_.file_operations.add();
    operation.complete(result);
  }
  return true;
}

}  // namespace srpd::runtime
