// Device Management at every InfiniBand port of this machine, on one thread of its own: libibumad
// blocks, and ports come and go. New ports are noticed within a second, gone ones are released.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "discovery/io_unit.h"
#include "dm/fabric.h"
#include "dm/port_agent.h"

namespace srpd::dm {

class Agents {
 public:
  Agents(std::unique_ptr<Fabric> fabric, Offer offer);
  /// Waits for the thread; hosts are no longer answered.
  ~Agents();
  Agents(const Agents&) = delete;
  Agents& operator=(const Agents&) = delete;

  /// What is served from now on. Any thread.
  void serve(Offer offer);

 private:
  void run();
  void scan(const Offer& offer);
  void answer();

  std::unique_ptr<Fabric> fabric_;
  std::vector<std::unique_ptr<PortAgent>> agents_;  // of the thread

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // under mutex_
  bool news_ = false;      // under mutex_: serve() was called
  Offer offer_;            // under mutex_
  std::thread thread_;
};

}  // namespace srpd::dm
