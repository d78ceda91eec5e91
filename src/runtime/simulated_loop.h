// Loops on virtual time. A Simulation owns the clock, the randomness and the order in which its
// loops take turns; targets and initiators on several loops run in one thread, and a seed replays
// the run. Time passes only when no loop has anything to do, and then jumps to the next timer.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/random.h"
#include "runtime/buffer_pool.h"
#include "runtime/frame_pool.h"
#include "runtime/loop.h"
#include "runtime/timer_heap.h"

namespace srpd::runtime {

class SimulatedLoop;

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {}
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation();

  Time now() const { return now_; }
  /// For faults and delays that belong to the run: whatever draws from it replays with the seed.
  Random& random() { return random_; }

  /// One turn of one loop, chosen among those that have something to do; when none has, the clock
  /// moves to the next timer first. False when nothing is left to do up to `limit`.
  bool step(Time limit = Time::max());

  /// Until `done` (checked between turns): true. False when nothing is left to do or the clock
  /// would pass `limit`; then it stands at `limit`.
  bool run_until(const std::function<bool()>& done, Time limit = Time::max());
  /// Everything up to `time`, where the clock stands afterwards.
  void run_until(Time time);
  /// Until nothing is left, not even a timer.
  void run_until_idle();

  /// Turns taken so far.
  std::uint64_t turns() const { return turns_; }
  /// Frames of all loops: which loop is current when a coroutine starts or ends does not matter.
  FramePool& frames() { return frames_; }

 private:
  friend class SimulatedLoop;

  void add(SimulatedLoop& loop);
  void remove(SimulatedLoop& loop);
  SimulatedLoop* choose_ready();
  bool poll_all();
  bool advance(Time limit);
  void take_turn(SimulatedLoop& loop);

  Random random_;
  Time now_{};
  FramePool frames_;
  std::vector<SimulatedLoop*> loops_;
  std::vector<SimulatedLoop*> ready_;
  SimulatedLoop* running_ = nullptr;
  std::uint64_t turns_ = 0;
  std::uint64_t turns_at_this_time_ = 0;
};

class SimulatedLoop final : public Loop {
 public:
  explicit SimulatedLoop(Simulation& simulation, std::size_t buffer_bytes = std::size_t{64} << 20);
  ~SimulatedLoop() override;

  Time now() const override { return simulation_.now(); }
  /// Inside a turn the loop whose turn it is; between turns all of them.
  bool is_current() const override;
  void start_timer(Timer& timer, Time deadline) override;
  void cancel_timer(Timer& timer) override;
  /// Refused with -ENOTSUP: what the kernel does cannot be replayed.
  int watch(Watch& watch, int fd) override;
  void unwatch(Watch& watch) override;
  /// The system call is made at once; its result arrives inline or in a later turn.
  void submit(FileOperation& operation) override;
  /// The simulation's thread only. In order for one sending loop, in any order between loops.
  void post(Mail& mail) override;
  /// Runs the whole simulation until this loop is stopped or nothing is left to do.
  void run() override;
  void stop() override { stopping_ = true; }
  std::string_view kind() const override { return "simulated"; }
  BufferPool& buffers() override { return buffers_; }
  FramePool& frames() override { return simulation_.frames(); }

 private:
  friend class Simulation;

  struct Sender {
    const Loop* loop = nullptr;
    Mail* first = nullptr;
    Mail* last = nullptr;
  };

  bool ready() const;
  void turn();
  bool poll();
  void deliver_mails();
  Mail* take_mail();
  void finish_operations();

  Simulation& simulation_;
  BufferPool buffers_;
  TimerHeap timers_;
  std::vector<Sender> senders_;
  std::size_t mails_ = 0;
  FileOperation* finished_ = nullptr;  // newest first
  bool stopping_ = false;
};

}  // namespace srpd::runtime
