#include "rpc/services.h"

#include <algorithm>
#include <future>
#include <utility>

#include "runtime/thread.h"

namespace srpd::rpc {

Sessions sessions_of(target::Target& target, runtime::Loop& home) {
  Sessions all;
  std::promise<void> reported;
  runtime::run_on(home, [&] {
    all.now = home.now();
    target.list_sessions([&](std::vector<target::SessionInfo> sessions) {
      all.sessions = std::move(sessions);
      reported.set_value();
    });
  });
  reported.get_future().wait();
  all.refusals = target.refusals();
  std::sort(all.sessions.begin(), all.sessions.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return all;
}

}  // namespace srpd::rpc
