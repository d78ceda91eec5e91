#include "service/watchdog.h"

#include <utility>

namespace srpd::service {
namespace {

// systemd advises half the interval (sd_watchdog_enabled(3)). Half of that again leaves loops that
// are merely busy as long to answer.
constexpr int rounds_per_interval = 4;

}  // namespace

Watchdog::Watchdog(std::vector<runtime::Loop*> loops, runtime::Time interval,
                   std::function<void()> alive)
    : home_(*loops.at(0)), interval_(interval), alive_(std::move(alive)) {
  for (runtime::Loop* const loop : loops) visits_.push_back(std::make_unique<Visit>(*this, *loop));
  begin();
}

Watchdog::~Watchdog() { home_.cancel_timer(next_); }

void Watchdog::begin() {
  missing_ = visits_.size();
  for (const auto& visit : visits_) visit->loop.post(visit->there);
}

// The next round begins behind this one, so that a stuck loop has one mail and not many.
void Watchdog::returned() {
  if (--missing_ != 0) return;
  alive_();
  home_.start_timer(next_, home_.now() + interval_ / rounds_per_interval);
}

}  // namespace srpd::service
