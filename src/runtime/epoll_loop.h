// The loop for kernels, or policies, without io_uring: epoll for readiness, worker threads for
// files.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <vector>

#include "runtime/file_workers.h"
#include "runtime/host_loop.h"

namespace srpd::runtime {

class EpollLoop final : public HostLoop {
 public:
  explicit EpollLoop(const LoopOptions& options);
  ~EpollLoop() override;

  int watch(Watch& watch, int fd) override;
  void unwatch(Watch& watch) override;
  void submit(FileOperation& operation) override;
  std::string_view kind() const override { return "epoll"; }

 private:
  // The generation tells an event of a descriptor that is not watched any more from one of the
  // next watch in the same slot.
  struct Slot {
    Watch* watch = nullptr;
    int fd = -1;
    std::uint32_t generation = 0;
  };

  bool collect(Time timeout) override;
  bool has_ready() const override { return workers_.has_finished(); }
  int wait(Time timeout);
  bool dispatch(const epoll_event& event);

  int epoll_fd_;
  bool nanosecond_timeout_ = true;
  std::array<epoll_event, 128> events_{};
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  FileWorkers workers_;
};

}  // namespace srpd::runtime
