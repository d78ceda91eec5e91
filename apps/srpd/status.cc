#include "srpd/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/log.h"

namespace srpd::app {
namespace {

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string line_of(const target::SessionInfo& session) {
  return fmt::format("session of {} at {} with {}: {} commands, {} credits{}{}", session.initiator,
                     session.peer, session.port, session.commands, session.credits,
                     session.channel.empty() ? "" : ", ", session.channel);
}

std::string line_of(const target::Refusal& refusal, runtime::Time now) {
  const auto ago = std::chrono::duration_cast<std::chrono::seconds>(now - refusal.last);
  return fmt::format(
      "login of {} at {} to {} refused {}, last {} s ago: {}; {} (reason {:#010x}, {})",
      refusal.initiator, refusal.peer, refusal.port, plural(refusal.count, "time"), ago.count(),
      refusal.cause, refusal.remedy, refusal.reason, refusal.reason_name);
}

}  // namespace

void log_status(target::Target& target, runtime::Loop& home) {
  target.list_sessions([&](std::vector<target::SessionInfo> sessions) {
    const auto refusals = target.refusals();
    const auto say = [](const std::string& line) { log::write(log::Level::info, line); };
    say(fmt::format("status: {}, {}", plural(sessions.size(), "session"),
                    plural(refusals.size(), "refused login")));
    std::sort(sessions.begin(), sessions.end(),
              [](const auto& a, const auto& b) { return a.peer < b.peer; });
    for (const auto& session : sessions) say(line_of(session));
    for (const auto& refusal : refusals) say(line_of(refusal, home.now()));
  });
}

}  // namespace srpd::app
