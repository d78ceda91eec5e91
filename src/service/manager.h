// The service manager that started this process, if one did: what it is told (sd_notify(3)) and
// what it asks for. Without one, telling does nothing, so that nobody needs to look first.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace srpd::service {

/// Start-up, or a reload, is over. `status` is one line for `systemctl status`.
void tell_ready(std::string_view status);
/// tell_ready() follows.
void tell_reloading();
/// The process ends by itself soon.
void tell_stopping(std::string_view status);
/// The process works; see Watchdog.
void tell_alive();

/// The process is restarted when it has not told that it is alive for so long. Nothing where nobody
/// waits for it.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace srpd::service
