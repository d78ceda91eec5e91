#include "transport/verbs/keep_alive.h"

#include <cstddef>
#include <utility>

namespace srpd::transport::verbs {

void KeepAlive::add(Connection& connection) {
  connection.since_ = loop_.now();
  connections_.push_back(&connection);
  if (!timer_.armed()) start_timer();
}

void KeepAlive::remove(Connection& connection) {
  std::erase(connections_, &connection);
  if (connections_.empty()) loop_.cancel_timer(timer_);
}

// After a stop of the whole process the timer comes before what arrived meanwhile.
void KeepAlive::look() {
  owner_.catch_up();
  const runtime::Time now = loop_.now();
  for (std::size_t i = 0; i < connections_.size(); ++i) look_at(*connections_[i], now);
  if (!connections_.empty()) start_timer();
}

void KeepAlive::look_at(Connection& connection, runtime::Time now) {
  const bool awaits = connection.awaits();
  if (std::exchange(connection.moved_, false) || awaits != connection.awaited_) {
    connection.since_ = now;
  } else if (awaits) {
    if (now - connection.since_ >= limits_.answer) connection.give_up();
  } else if (now - connection.since_ >= limits_.idle) {
    connection.ask();
  }
  connection.awaited_ = awaits;
}

}  // namespace srpd::transport::verbs
