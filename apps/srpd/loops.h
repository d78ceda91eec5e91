// The event loops of the process: the first on the main thread, one thread for each other.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "runtime/loop.h"
#include "runtime/thread.h"
#include "srpd/options.h"

namespace srpd::app {

class Loops {
 public:
  /// On the main thread, which becomes that of home(). As many loops as asked for, by a count
  /// or by the CPUs they are to stay on; else one for each CPU that the process may use, at most 4.
  static Expected<std::unique_ptr<Loops>> start(const Options& options);

  std::vector<runtime::Loop*> all() const;
  /// Home to whatever has one home.
  runtime::Loop& home() const { return *home_; }

  /// Runs home() until it is stopped.
  void run() { home_->run(); }
  /// Ends the other threads; what belongs to their loops can be destroyed then.
  void stop_others();

 private:
  Loops() = default;

  std::unique_ptr<runtime::Loop> home_;
  std::vector<std::unique_ptr<runtime::LoopThread>> others_;
};

}  // namespace srpd::app
