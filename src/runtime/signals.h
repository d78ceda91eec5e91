// Signals as events of a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/error.h"
#include "runtime/loop.h"

namespace srpd::runtime {

/// SIGTERM, SIGINT, SIGHUP and SIGUSR1 are blocked from here on, in threads made later too, and
/// SIGPIPE is ignored. Before the first thread is made.
void block_signals();

/// Calls `on_signal(number)` on the loop for each.
class Signals final : public Watch {
 public:
  using Function = std::function<void(int signal)>;
  static Expected<std::unique_ptr<Signals>> make(Loop& loop, Function on_signal);
  ~Signals() override;
  void on_ready(std::uint32_t events) override;

 private:
  Signals(Loop& loop, Function on_signal, int fd)
      : loop_(loop), on_signal_(std::move(on_signal)), fd_(fd) {}

  Loop& loop_;
  Function on_signal_;
  int fd_;
  bool watched_ = false;
};

}  // namespace srpd::runtime
