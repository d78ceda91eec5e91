#include "base/log_limits.h"

#include <algorithm>
#include <utility>

namespace srpd::log {

bool SiteLimits::may_write(const Site& site, Time now) {
  return site.full_at - now <= (burst - 1) * interval;
}

bool SiteLimits::admit(std::string_view text, Time now) {
  Site& site = sites_[text.data()];
  site.text = text;
  if (may_write(site, now)) {
    site.full_at = std::max(site.full_at, now) + interval;
    return true;
  }
  if (site.suppressed++ == 0) ++held_up_;
  return false;
}

std::optional<SiteLimits::Suppressed> SiteLimits::take_suppressed(Time now) {
  if (held_up_ == 0) return std::nullopt;
  for (auto& [key, site] : sites_) {
    if (site.suppressed == 0 || !may_write(site, now)) continue;
    --held_up_;
    return Suppressed{site.text, std::exchange(site.suppressed, 0)};
  }
  return std::nullopt;
}

}  // namespace srpd::log
