// How long the requests of one loop took: from the turn of the loop that took their IU to the end
// of the turn that answered them, where all answers of a turn leave together. That end is where the
// next turn begins, so that no clock is read for it.
#pragma once

#include <array>
#include <cstddef>

#include "base/latency.h"
#include "runtime/loop.h"

namespace srpd::target {

/// On its loop, but for the constructor.
class LatencyRecorder final : runtime::Poller {
 public:
  explicit LatencyRecorder(runtime::Loop& loop) : loop_(loop) {}
  LatencyRecorder(const LatencyRecorder&) = delete;
  LatencyRecorder& operator=(const LatencyRecorder&) = delete;

  /// Between these only.
  void start() { loop_.add_poller(*this); }
  void stop() {
    settle();
    loop_.remove_poller(*this);
  }

  /// A request was served that was taken at `taken`. `unit` may be null. Both stay until settle().
  void add(Latencies& session, LatencyHistogram* unit, runtime::Time taken) {
    // Only turns of hundreds of answers come here in the middle.
    if (count_ == waiting_.size()) settle();
    waiting_[count_++] = {&session, unit, taken};
    added_ = loop_.now();
  }
  /// Counts what was added.
  void settle();

 private:
  struct Served {
    Latencies* session = nullptr;
    LatencyHistogram* unit = nullptr;
    runtime::Time taken{};
  };

  bool poll() override {
    if (count_ != 0 && loop_.now() != added_) settle();
    return false;
  }

  runtime::Loop& loop_;
  std::size_t count_ = 0;
  runtime::Time added_{};
  std::array<Served, 512> waiting_;
};

}  // namespace srpd::target
