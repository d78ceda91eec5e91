#include "transport/iwarp/loop_state.h"

#include <algorithm>

#include "base/check.h"

namespace srpd::transport::iwarp {
namespace {

using namespace std::chrono_literals;

constexpr runtime::Time trim_interval = 2s;
// So many looks in vain, and a connection is left to the kernel's readiness report.
constexpr unsigned patience = 512;

}  // namespace

LoopState::~LoopState() {
  CHECK(hot_count_ == 0);
  loop_.cancel_timer(trim_timer_);
}

Iu* LoopState::take_iu(std::uint32_t size) {
  Iu* const iu = ius_.take(size);
  if (iu != nullptr && !trim_timer_.armed())
    loop_.start_timer(trim_timer_, loop_.now() + trim_interval);
  return iu;
}

// Runs while buffers are in use or empty chunks are left, so an idle loop stays asleep.
void LoopState::on_trim() {
  if (ius_.trim() || ius_.lent() > 0) loop_.start_timer(trim_timer_, loop_.now() + trim_interval);
}

void LoopState::touch(Pollable& connection) {
  connection.fruitless_ = 0;
  if (connection.hot_) return;
  if (hot_count_ == max_hot) return;  // many are busy: one report from the kernel covers them all
  connection.hot_ = true;
  if (hot_count_ == 0) loop_.add_poller(*this);
  hot_[hot_count_++] = &connection;
}

void LoopState::forget(Pollable& connection) {
  if (!connection.hot_) return;
  const auto at = std::find(hot_.begin(), hot_.end(), &connection);
  drop(static_cast<std::size_t>(at - hot_.begin()));
}

void LoopState::drop(std::size_t index) {
  hot_[index]->hot_ = false;
  hot_[index] = hot_[--hot_count_];
  if (hot_count_ == 0) loop_.remove_poller(*this);
}

bool LoopState::poll() {
  bool found = false;
  for (std::size_t i = hot_count_; i-- > 0;) {
    // A callback may have dropped others.
    if (i >= hot_count_) continue;
    Pollable& connection = *hot_[i];
    if (connection.poll_receive()) {
      found = true;
    } else if (++connection.fruitless_ > patience && i < hot_count_ && hot_[i] == &connection) {
      drop(i);
    }
  }
  return found;
}

std::shared_ptr<LoopState> LoopStates::of(runtime::Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.state.expired(); });
  for (const Entry& entry : entries_) {
    if (entry.loop != &loop) continue;
    if (auto state = entry.state.lock()) return state;
  }
  auto made = std::make_shared<LoopState>(loop);
  entries_.push_back({&loop, made});
  return made;
}

}  // namespace srpd::transport::iwarp
