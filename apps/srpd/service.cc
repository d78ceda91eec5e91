#include "srpd/service.h"

#include <unistd.h>

#include <cstdlib>
#include <thread>
#include <utility>

#include "base/log.h"
#include "service/manager.h"

namespace srpd::app {

namespace {

// Nothing can be taken down in order while somebody holds on to it.
void end_after(std::chrono::seconds timeout) {
  std::this_thread::sleep_for(timeout);
  log::error(
      "stopping: after {} s hosts or disks still hold on; ending without them; check the disks, or "
      "give them longer with --stop-timeout",
      timeout.count());
  ::_exit(EXIT_FAILURE);
}

}  // namespace

void Service::ready(std::string status) {
  status_ = std::move(status);
  if (const auto interval = service::watchdog_interval())
    watchdog_ = std::make_unique<service::Watchdog>(loops_.all(), *interval, &service::tell_alive);
  service::tell_ready(status_);
}

void Service::reloading() const { service::tell_reloading(); }

void Service::reloaded() const { service::tell_ready(status_); }

// A thread of its own: a loop may be what is stuck.
void Service::stopping() const {
  service::tell_stopping("hosts are told");
  std::thread(end_after, stop_timeout_).detach();
}

}  // namespace srpd::app
