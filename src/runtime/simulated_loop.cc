#include "runtime/simulated_loop.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "runtime/file_operation.h"

namespace srpd::runtime {
namespace {

// Loops that keep each other busy without time passing never let a timer expire: a bug to report,
// not to wait for.
constexpr std::uint64_t most_turns_at_one_time = 50'000'000;

}  // namespace

Simulation::~Simulation() { CHECK(loops_.empty()); }

void Simulation::add(SimulatedLoop& loop) {
  loops_.push_back(&loop);
  ready_.reserve(loops_.size());
}

void Simulation::remove(SimulatedLoop& loop) { std::erase(loops_, &loop); }

bool Simulation::step(Time limit) {
  CHECK(running_ == nullptr);
  SimulatedLoop* loop = choose_ready();
  if (loop == nullptr) {
    if (poll_all()) return true;
    if (!advance(limit)) return false;
    loop = choose_ready();
  }
  CHECK(++turns_at_this_time_ < most_turns_at_one_time);
  take_turn(*loop);
  return true;
}

SimulatedLoop* Simulation::choose_ready() {
  ready_.clear();
  for (SimulatedLoop* loop : loops_) {
    if (loop->ready()) ready_.push_back(loop);
  }
  if (ready_.empty()) return nullptr;
  return ready_[static_cast<std::size_t>(random_.below(ready_.size()))];
}

// Before time passes every poller is asked, as a real loop asks them before it sleeps.
bool Simulation::poll_all() {
  bool found = false;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    if (!loops_[i]->has_pollers()) continue;
    running_ = loops_[i];
    found |= running_->poll();
    running_ = nullptr;
  }
  return found;
}

bool Simulation::advance(Time limit) {
  Time next = Time::max();
  for (const SimulatedLoop* loop : loops_) {
    next = std::min(next, loop->timers_.next().value_or(Time::max()));
  }
  if (next == Time::max() || next > limit) return false;
  now_ = std::max(now_, next);
  turns_at_this_time_ = 0;
  return true;
}

void Simulation::take_turn(SimulatedLoop& loop) {
  ++turns_;
  running_ = &loop;
  loop.turn();
  running_ = nullptr;
}

bool Simulation::run_until(const std::function<bool()>& done, Time limit) {
  while (!done()) {
    if (step(limit)) continue;
    if (limit != Time::max()) now_ = std::max(now_, limit);
    return done();
  }
  return true;
}

void Simulation::run_until(Time time) {
  while (step(time)) {
  }
  now_ = std::max(now_, time);
}

void Simulation::run_until_idle() {
  while (step()) {
  }
}

SimulatedLoop::SimulatedLoop(Simulation& simulation, std::size_t buffer_bytes)
    : simulation_(simulation), buffers_(std::max<std::size_t>(buffer_bytes, BufferPool::largest)) {
  simulation_.add(*this);
  if (current() == nullptr) set_current(this);
}

SimulatedLoop::~SimulatedLoop() {
  CHECK(simulation_.running_ == nullptr);
  simulation_.remove(*this);
  if (current() == this && !simulation_.loops_.empty()) set_current(simulation_.loops_.front());
}

bool SimulatedLoop::is_current() const {
  return simulation_.running_ == nullptr || simulation_.running_ == this;
}

void SimulatedLoop::start_timer(Timer& timer, Time deadline) {
  DCHECK(is_current());
  timers_.start(timer, std::max(deadline, now()));
}

void SimulatedLoop::cancel_timer(Timer& timer) {
  DCHECK(is_current());
  timers_.cancel(timer);
}

int SimulatedLoop::watch(Watch& /*watch*/, int /*fd*/) { return -ENOTSUP; }

void SimulatedLoop::unwatch(Watch& /*watch*/) {}

void SimulatedLoop::submit(FileOperation& operation) {
  DCHECK(is_current());
  const int rc = perform(operation);
  if (simulation_.random().one_in(2)) {
    operation.complete(rc);
    return;
  }
  operation.outcome = rc;
  operation.next = std::exchange(finished_, &operation);
}

void SimulatedLoop::post(Mail& mail) {
  const Loop* const from = current();
  auto sender = std::find_if(senders_.begin(), senders_.end(),
                             [from](const Sender& s) { return s.loop == from; });
  if (sender == senders_.end()) sender = senders_.insert(senders_.end(), Sender{.loop = from});
  mail.next_ = nullptr;
  (sender->last != nullptr ? sender->last->next_ : sender->first) = &mail;
  sender->last = &mail;
  ++mails_;
}

void SimulatedLoop::run() {
  while (!stopping_ && simulation_.step()) {
  }
  stopping_ = false;
}

bool SimulatedLoop::ready() const {
  return mails_ > 0 || finished_ != nullptr || has_deferred() ||
         timers_.next().value_or(Time::max()) <= now();
}

void SimulatedLoop::turn() {
  Loop* const outer = current();
  set_current(this);
  run_pollers();
  deliver_mails();
  timers_.expire(now());
  finish_operations();
  run_deferred();
  set_current(outer);
}

bool SimulatedLoop::poll() {
  Loop* const outer = current();
  set_current(this);
  const bool found = run_pollers();
  set_current(outer);
  return found;
}

// Any number of those that wait, so that what is sent together can arrive apart.
void SimulatedLoop::deliver_mails() {
  if (mails_ == 0) return;
  std::uint64_t count = 1 + simulation_.random().below(mails_);
  while (count-- > 0) {
    Mail* const mail = take_mail();
    mail->deliver_(*mail);
  }
}

Mail* SimulatedLoop::take_mail() {
  const auto waiting = std::count_if(senders_.begin(), senders_.end(),
                                     [](const Sender& s) { return s.first != nullptr; });
  std::uint64_t choice = simulation_.random().below(static_cast<std::uint64_t>(waiting));
  const auto sender = std::find_if(senders_.begin(), senders_.end(), [&choice](const Sender& s) {
    return s.first != nullptr && choice-- == 0;
  });
  Mail* const mail = sender->first;
  sender->first = mail->next_;
  if (sender->first == nullptr) sender->last = nullptr;
  --mails_;
  return mail;
}

// Newest first: results need not arrive in the order of submission.
void SimulatedLoop::finish_operations() {
  FileOperation* operation = std::exchange(finished_, nullptr);
  while (operation != nullptr) {
    FileOperation* const next = operation->next;
    operation->complete(operation->outcome);
    operation = next;
  }
}

}  // namespace srpd::runtime
