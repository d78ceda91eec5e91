// The loop on io_uring: multishot polls for readiness, file operations as submission entries, and
// one system call for submitting, waiting and the timer.
#pragma once

#include <liburing.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/file_workers.h"
#include "runtime/host_loop.h"

namespace srpd::runtime {

/// Whether to try a read without waiting first: what the page cache has costs one call that way and
/// two through the ring, what it has not costs three. Follows what the last reads were.
class CachedReads {
 public:
  bool worth_trying() { return score_ > 0 || ++skipped_ % probe_interval == 0; }
  void note(bool hit) { score_ = hit ? std::min(score_ + 1, most) : std::max(score_ - miss, 0); }

 private:
  static constexpr int most = 16;
  static constexpr int miss = 4;
  static constexpr unsigned probe_interval = 64;
  int score_ = most;
  unsigned skipped_ = 0;
};

class UringLoop final : public HostLoop {
 public:
  /// Refused where the kernel lacks something or forbids it; the error says what and why.
  static Expected<std::unique_ptr<Loop>> make(const LoopOptions& options);
  ~UringLoop() override;

  int watch(Watch& watch, int fd) override;
  void unwatch(Watch& watch) override;
  void submit(FileOperation& operation) override;
  std::string_view kind() const override { return "io_uring"; }

 private:
  // The generation tells a completion of a poll that was removed from one of the next watch in the
  // same slot.
  struct Slot {
    Watch* watch = nullptr;
    int fd = -1;
    std::uint32_t generation = 0;
  };

  UringLoop(const LoopOptions& options, const io_uring& ring);

  bool collect(Time timeout) override;
  bool has_ready() const override { return backlogged() || workers_.has_finished(); }
  void wait(Time timeout);
  bool reap();
  bool handle(std::uint64_t token, int result, std::uint32_t flags);
  bool handle_poll(std::uint64_t token, int result, std::uint32_t flags);
  bool handle_file(FileOperation& operation, int result);

  bool read_from_cache(FileOperation& operation);
  io_uring_sqe* entry();
  bool backlogged() const {
    return !to_arm_.empty() || !to_remove_.empty() || first_waiting_ != nullptr;
  }
  void drain_backlog();
  void arm(std::uint64_t token);
  bool arm_now(std::uint64_t token);
  bool remove_now(std::uint64_t token);
  bool submit_now(FileOperation& operation);
  const Slot* slot_of(std::uint64_t token) const;

  io_uring ring_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint64_t files_in_flight_ = 0;
  CachedReads cached_reads_;
  // What found no room in the submission queue.
  std::vector<std::uint64_t> to_arm_;
  std::vector<std::uint64_t> to_remove_;
  FileOperation* first_waiting_ = nullptr;
  FileOperation* last_waiting_ = nullptr;
  /// For what the ring has no operation for.
  FileWorkers workers_;
};

}  // namespace srpd::runtime
