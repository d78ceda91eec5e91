#include "service/manager.h"

#include <fmt/core.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/log.h"

namespace srpd::service {
namespace {

// The children of this process could speak to the manager, too: the variables stay.
constexpr int keep_environment = 0;

void tell(const std::string& assignments) {
  if (const int rc = ::sd_notify(keep_environment, assignments.c_str()); rc < 0)
    log::warning("service manager: cannot be told: {}; check NOTIFY_SOCKET", errno_text(-rc));
}

/// Assignments end with the line.
std::string status_assignment(std::string_view status) {
  std::string line(status);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return "STATUS=" + line;
}

/// Which a manager of type notify-reload compares with the time of its request.
std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

void tell_ready(std::string_view status) { tell("READY=1\n" + status_assignment(status)); }

void tell_reloading() { tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us())); }

void tell_stopping(std::string_view status) { tell("STOPPING=1\n" + status_assignment(status)); }

void tell_alive() { tell("WATCHDOG=1"); }

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t interval_us = 0;
  const int rc = ::sd_watchdog_enabled(keep_environment, &interval_us);
  if (rc < 0)
    log::warning("watchdog: not kept: {}; check WATCHDOG_USEC and WATCHDOG_PID", errno_text(-rc));
  if (rc <= 0) return std::nullopt;
  return std::chrono::microseconds(interval_us);
}

}  // namespace srpd::service
