#include "initiator/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

namespace srpd::initiator {
namespace {

// Sessions that lost the same target should not return in step.
std::uint64_t seed_of(const srp::PortId& id) {
  std::uint64_t seed = 0;
  for (const std::byte byte : id) seed = seed * 31 + std::to_integer<std::uint64_t>(byte);
  return seed;
}

}  // namespace

Session::OwnedTimer::OwnedTimer(Session& owner, void (Session::*on_expiry)())
    : Timer([](Timer& self) {
        auto& timer = static_cast<OwnedTimer&>(self);
        (timer.session.*timer.function)();
      }),
      session(owner),
      function(on_expiry) {}

Session::Session(runtime::Loop& loop, transport::Transport& transport,
                 const SessionOptions& options, Observer& observer)
    : loop_(loop),
      transport_(transport),
      options_(options),
      observer_(observer),
      random_(seed_of(options.initiator)),
      backoff_(options.first_backoff),
      life_timer_(*this, &Session::on_life_timer),
      deadline_timer_(*this, &Session::on_deadline),
      task_timer_(*this, &Session::on_task_timeout),
      held_timer_(*this, &Session::release_held) {
  recovery_.done = [](TaskRequest& task) { static_cast<Session*>(task.context)->on_recovered(); };
  recovery_.context = this;
  recovery_.victim_error = -ETIMEDOUT;
}

Session::~Session() { CHECK(state_ == State::idle || state_ == State::over); }

void Session::open() {
  CHECK(state_ == State::idle);
  state_ = State::connecting;
  connect_next();
}

void Session::wake() { loop_.defer(wake_); }

// Everything that must not happen inside a callback of a channel or a call of the user.
void Session::work() {
  gone_.clear();
  while (!finished_.empty()) {
    Request& request = finished_.pop_front();
    request.done(request);
  }
  if (state_ == State::up) {
    start_task();
    pump();
  } else {
    while (tasks_ != nullptr) finish_task(-ECONNRESET, {});
  }
  if (state_ == State::over && !wake_.queued()) finish_over();
}

// Connecting.

void Session::connect_next() {
  const auto index = static_cast<std::uint32_t>(channels_.size());
  Connection::Owner& owner = *this;
  channels_.push_back(std::make_unique<Connection>(loop_, options_, counters_, owner, index));
  channels_.back()->open(transport_, index > 0);
}

void Session::on_login(Connection&) {
  if (state_ != State::connecting) return;
  if (channels_.size() < options_.channels) {
    connect_next();
  } else {
    connected();
  }
}

void Session::connected() {
  state_ = State::up;
  was_up_ = true;
  backoff_ = options_.first_backoff;
  ++counters_.connects;
  observer_.on_up();
  wake();
}

void Session::on_login_failed(Connection& connection, const Error& error,
                              std::optional<srp::LoginReject>) {
  std::erase_if(channels_, [&](std::unique_ptr<Connection>& each) {
    if (each.get() != &connection) return false;
    gone_.push_back(std::move(each));
    return true;
  });
  wake();
  if (state_ != State::connecting) {
    if (channels_.empty()) all_channels_gone();
  } else if (!channels_.empty()) {
    // As Linux: a later channel that is refused is done without.
    connected();
  } else if (was_up_) {
    lost_because_ = error.text();
    wait_and_reconnect();
  } else {
    set_over(&error);
  }
}

// Losing the connection.

void Session::on_lost(Connection& connection, const std::string& why) {
  if (state_ == State::up || state_ == State::connecting) lost_because_ = why;
  std::erase_if(channels_, [&](std::unique_ptr<Connection>& each) {
    if (each.get() != &connection) return false;
    gone_.push_back(std::move(each));
    return true;
  });
  wake();
  drop(why);
  connection.take_back([this](Request& request) {
    if (state_ == State::closing) {
      complete_later(request, -ENOTCONN);
    } else if (request.deadline <= loop_.now()) {
      ++counters_.timeouts;
      complete_later(request, -ETIMEDOUT);
    } else if (request.repeatable && options_.reconnect) {
      queue_.insert(request);
    } else {
      complete_later(request, -ECONNRESET);
    }
  });
  if (channels_.empty()) all_channels_gone();
}

void Session::drop(std::string_view why) {
  if (state_ != State::up && state_ != State::connecting) return;
  state_ = State::losing;
  step_ = Step::none;
  down_since_ = loop_.now();
  if (lost_because_.empty()) lost_because_ = why;
  std::erase_if(channels_, [&](std::unique_ptr<Connection>& each) {
    if (each->disconnect(why, false)) return false;
    gone_.push_back(std::move(each));
    return true;
  });
}

void Session::all_channels_gone() {
  if (state_ == State::closing) {
    set_over(nullptr);
    return;
  }
  if (!options_.reconnect) {
    const Error error{options_.address.text(), "connection lost: " + lost_because_, ""};
    set_over(&error);
    return;
  }
  observer_.on_down(lost_because_);
  if (state_ == State::losing) wait_and_reconnect();
}

void Session::wait_and_reconnect() {
  const auto down = loop_.now() - down_since_;
  if (options_.give_up_after.count() > 0 && down >= options_.give_up_after) {
    const Error error{
        options_.address.text(),
        fmt::format("no connection for {} s: {}",
                    std::chrono::duration_cast<std::chrono::seconds>(down).count(), lost_because_),
        "check that the target runs"};
    set_over(&error);
    return;
  }
  state_ = State::waiting;
  const auto half = static_cast<std::uint64_t>(backoff_.count() / 2);
  const std::chrono::nanoseconds pause{static_cast<std::int64_t>(half + random_.below(half + 1))};
  loop_.start_timer(life_timer_, loop_.now() + pause);
  backoff_ = std::min<std::chrono::nanoseconds>(backoff_ * 2, options_.longest_backoff);
}

void Session::on_life_timer() {
  lost_because_.clear();
  state_ = State::connecting;
  connect_next();
}

// The end.

void Session::close() {
  if (state_ == State::over || state_ == State::closing) return;
  if (state_ == State::idle || state_ == State::waiting) {
    set_over(nullptr);
    return;
  }
  state_ = State::closing;
  std::erase_if(channels_, [&](std::unique_ptr<Connection>& each) {
    if (each->up() ? each->logout() : each->disconnect("closed", true)) return false;
    gone_.push_back(std::move(each));
    return true;
  });
  if (channels_.empty()) set_over(nullptr);
}

void Session::set_over(const Error* error) {
  state_ = State::over;
  if (error != nullptr) fatal_ = *error;
  wake();
}

// From work(): nothing of the session is on the stack.
void Session::finish_over() {
  for (OwnedTimer* timer : {&life_timer_, &deadline_timer_, &task_timer_, &held_timer_})
    loop_.cancel_timer(*timer);
  for (Queue* queue : {&queue_, &held_, &finished_})
    while (!queue->empty()) complete(queue->pop_front(), -ENOTCONN);
  observer_.on_over(fatal_ ? &*fatal_ : nullptr);
}

std::uint32_t Session::in_flight() const {
  std::uint32_t count = 0;
  for (const auto& channel : channels_) count += channel->in_flight();
  return count;
}

std::string Session::description() const {
  if (channels_.empty()) return "not connected";
  return fmt::format("{} channel{}, {}", channels_.size(), channels_.size() == 1 ? "" : "s",
                     channels_.front()->description());
}

}  // namespace srpd::initiator
