// srpd as a service: what it tells its manager, and the bound of its end.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "service/watchdog.h"
#include "srpd/loops.h"
#include "srpd/options.h"

namespace srpd::app {

class Service {
 public:
  /// On the home of `loops`, of which none runs any more when this is destroyed.
  Service(const Options& options, const Loops& loops)
      : loops_(loops), stop_timeout_(options.stop_timeout) {}

  /// Hosts can log in. From here on the watchdog is kept. `status`: one line.
  void ready(std::string status);
  /// SIGHUP: what it serves is read again; then reloaded().
  void reloading() const;
  void reloaded() const;
  /// From here on the process ends within --stop-timeout, whatever hosts, disks and loops do. Once.
  void stopping() const;

 private:
  const Loops& loops_;
  const std::chrono::seconds stop_timeout_;
  std::string status_;
  std::unique_ptr<service::Watchdog> watchdog_;
};

}  // namespace srpd::app
