#include "target/refusals.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace srpd::target {
namespace {

// What makes two refusals the same: a host that tries again comes from another of its ports.
auto key_of(const Refusal& refusal) {
  return std::tie(refusal.host, refusal.initiator, refusal.port, refusal.reason, refusal.cause);
}

}  // namespace

void Refusals::add(Refusal refusal) {
  const std::lock_guard lock(mutex_);
  counts_[refusal.reason_name] += refusal.count;
  const auto same = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& other) {
    return key_of(other) == key_of(refusal);
  });
  if (same != refusals_.end()) {
    refusal.count += same->count;
    refusals_.erase(same);
  }
  refusals_.push_back(std::move(refusal));
  if (refusals_.size() > kept) refusals_.pop_front();
}

std::vector<Refusal> Refusals::list() const {
  const std::lock_guard lock(mutex_);
  return {refusals_.begin(), refusals_.end()};
}

std::map<std::string, std::uint64_t> Refusals::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace srpd::target
