#include "ibcm/manager.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace srpd::ibcm {
namespace {

using namespace std::chrono_literals;

// Bounds for what a peer says about times and retries, as these are its words only.
constexpr Time shortest_interval = 20ms;
constexpr Time longest_interval = 5s;
constexpr Time longest_time_wait = 20s;
constexpr Time longest_extension = 20s;
constexpr unsigned most_extensions = 3;
constexpr unsigned least_tries = 3;
// Our own DREQ is repeated so often: the peer may be gone, and nobody waits for it.
constexpr unsigned disconnect_tries = 4;
// MRA: 4.096 us times two to the power of 21, or 8.6 s, for another look at a login.
constexpr std::uint8_t decision_time = 21;
constexpr unsigned decision_tries = 7;
// How long two packets are under way at most, besides the acknowledgement (12.9.8.4).
constexpr Time packet_life = 500ms;

Time bounded(Time wanted, Time least, Time most) { return std::clamp(wanted, least, most); }

}  // namespace

void Manager::receive(const Mad& mad, const ReturnAddress& from, Time now) {
  const auto message = parse(mad);
  if (!message) return;
  std::visit([&](const auto& each) { on(each, mad, from, now); }, *message);
}

// Requests

std::optional<Reason> Manager::objection(const Request& request) const {
  if (request.transport_service != wire::cm::reliable_connected)
    return Reason::invalid_transport_service;
  if (!services_.contains(request.service)) return Reason::invalid_service_id;
  if (request.mtu < 1 || request.mtu > 5) return Reason::invalid_path_mtu;
  if (connections_.size() >= options_.most_connections) return Reason::no_resources;
  return std::nullopt;
}

void Manager::on(const Request& request, const Mad& mad, const ReturnAddress& from, Time now) {
  const auto known = by_remote_.find({request.ca_guid, request.id});
  if (known != by_remote_.end()) {
    const Entry entry = connections_.find(known->second);
    if (entry->second.remote_queue_pair.second == request.queue_pair)
      return repeat_for(entry, mad, from);
  }
  const auto refuse = [&](Reason reason) {
    port_.send(rejection(transaction_of(mad), 0, request.id, About::req, reason), from);
  };
  // Volume 1, 12.9.8.3.1: a queue pair, or a communication ID, that is in use belongs to a
  // connection that the peer has forgotten. It asks again when that is over.
  const auto used = by_queue_pair_.find({request.ca_guid, request.queue_pair});
  if (used != by_queue_pair_.end() || known != by_remote_.end()) {
    const Entry old =
        connections_.find(used != by_queue_pair_.end() ? used->second : known->second);
    refuse(Reason::stale_connection);
    if (old->second.state == State::replied || old->second.state == State::established) {
      const Handle handle = old->first;
      leave(old, now);
      port_.on_end(handle, End::stale);
    }
    return;
  }
  if (const auto reason = objection(request)) return refuse(*reason);
  admit(request, mad, from, now);
}

void Manager::admit(const Request& request, const Mad& mad, const ReturnAddress& from, Time now) {
  const Handle handle = next_handle();
  Connection made;
  made.address = from;
  made.transaction = transaction_of(mad);
  made.remote = {request.ca_guid, request.id};
  made.remote_queue_pair = {request.ca_guid, request.queue_pair};
  made.interval =
      bounded(time_of(request.local_timeout) + packet_life, shortest_interval, longest_interval);
  made.answer_time =
      bounded(time_of(request.response_timeout), shortest_interval, longest_interval);
  made.time_wait = std::min(2 * packet_life + time_of(request.ack_timeout), longest_time_wait);
  made.max_retries = request.max_retries;
  made.extensions_left = most_extensions;
  made.tries_left = decision_tries;
  by_remote_[made.remote] = handle;
  by_queue_pair_[made.remote_queue_pair] = handle;
  const Entry entry = connections_.emplace(handle, std::move(made)).first;
  start_timer(entry, now + entry->second.answer_time / 2);
  port_.on_request(handle, request);
}

// The requester has not heard us.
void Manager::repeat_for(Entry entry, const Mad& mad, const ReturnAddress& from) {
  Connection& connection = entry->second;
  switch (connection.state) {
    case State::deciding:
      // An MRA was sent, or will be.
      return;
    case State::replied:
    case State::established:
      return port_.send(connection.last, from);
    case State::leaving:
    case State::time_wait:
      return port_.send(rejection(transaction_of(mad), 0, connection.remote.second, About::req,
                                  Reason::stale_connection),
                        from);
  }
}

// Before the requester's patience is over. What the owner has not decided in a minute nobody waits
// for any more.
void Manager::ask_for_time(Entry entry, Time now) {
  Connection& connection = entry->second;
  if (connection.tries_left == 0) return give_up(entry, About::req, now);
  --connection.tries_left;
  port_.send(acknowledgement(connection.transaction, entry->first, connection.remote.second,
                             decision_time),
             connection.address);
  start_timer(entry, now + time_of(decision_time) - connection.answer_time / 2);
}

void Manager::accept(Handle handle, const Answer& answer, Time now) {
  const Entry entry = connections_.find(handle);
  if (entry == connections_.end() || entry->second.state != State::deciding) return;
  Connection& connection = entry->second;
  connection.state = State::replied;
  connection.last =
      reply(connection.transaction, handle, connection.remote.second, options_.ca_guid, answer);
  connection.tries_left = std::max<unsigned>(connection.max_retries, least_tries);
  port_.send(connection.last, connection.address);
  start_timer(entry, now + connection.interval);
}

void Manager::reject(Handle handle, Reason reason, std::span<const std::byte> private_data) {
  const Entry entry = connections_.find(handle);
  if (entry == connections_.end() || entry->second.state != State::deciding) return;
  const Connection& connection = entry->second;
  port_.send(rejection(connection.transaction, handle, connection.remote.second, About::req, reason,
                       private_data),
             connection.address);
  forget(entry);
}

// Answers

Manager::Entry Manager::find(std::uint32_t ours, std::uint32_t theirs) {
  const Entry entry = connections_.find(ours);
  return entry == connections_.end() || entry->second.remote.second != theirs ? connections_.end()
                                                                              : entry;
}

void Manager::on(const Ready& message, const Mad&, const ReturnAddress&, Time) {
  const Entry entry = find(message.remote_id, message.id);
  if (entry != connections_.end() && entry->second.state == State::replied) establish(entry);
}

void Manager::data_arrived(Handle handle) {
  const Entry entry = connections_.find(handle);
  if (entry != connections_.end() && entry->second.state == State::replied) establish(entry);
}

void Manager::establish(Entry entry) {
  entry->second.state = State::established;
  stop_timer(entry);
  port_.on_established(entry->first);
}

// The requester needs longer for our REP.
void Manager::on(const Acknowledged& message, const Mad&, const ReturnAddress&, Time now) {
  const Entry entry = find(message.remote_id, message.id);
  if (entry == connections_.end() || entry->second.state != State::replied ||
      message.about != About::rep || entry->second.extensions_left == 0)
    return;
  --entry->second.extensions_left;
  start_timer(entry, now + entry->second.interval +
                         std::min(time_of(message.service_timeout), longest_extension));
}

// A requester that gives up does not know our communication ID before the REP came.
void Manager::on(const Rejected& message, const Mad& mad, const ReturnAddress&, Time now) {
  Entry entry = find(message.remote_id, message.id);
  if (entry == connections_.end() && message.remote_id == 0) {
    entry = std::find_if(connections_.begin(), connections_.end(), [&](const auto& each) {
      return each.second.state == State::deciding && each.second.remote.second == message.id &&
             each.second.transaction == transaction_of(mad);
    });
  }
  if (entry == connections_.end()) return;
  switch (entry->second.state) {
    case State::deciding:
    case State::replied:
    case State::established:
      return end(entry, End::rejected, now);
    case State::leaving:
      return wait_out(entry, now);
    case State::time_wait:
      return;
  }
}

void Manager::on(const Disconnecting& message, const Mad& mad, const ReturnAddress& from,
                 Time now) {
  // Also for what is unknown: the peer has nobody else to tell it that there is nothing left.
  port_.send(disconnect_reply(transaction_of(mad), message.remote_id, message.id), from);
  const Entry entry = find(message.remote_id, message.id);
  if (entry == connections_.end()) return;
  switch (entry->second.state) {
    case State::deciding:
    case State::replied:
    case State::established:
      return end(entry, End::disconnected, now);
    case State::leaving:
      return wait_out(entry, now);
    case State::time_wait:
      return;
  }
}

void Manager::on(const Disconnected& message, const Mad&, const ReturnAddress&, Time now) {
  const Entry entry = find(message.remote_id, message.id);
  if (entry != connections_.end() && entry->second.state == State::leaving) wait_out(entry, now);
}

// Ending

void Manager::disconnect(Handle handle, Time now) {
  const Entry entry = connections_.find(handle);
  if (entry == connections_.end()) return;
  switch (entry->second.state) {
    case State::deciding:
      return reject(handle, Reason::consumer_defined, {});
    case State::replied:
    case State::established:
      return leave(entry, now);
    case State::leaving:
    case State::time_wait:
      return;
  }
}

void Manager::leave(Entry entry, Time now) {
  Connection& connection = entry->second;
  connection.state = State::leaving;
  connection.last = disconnect_request(next_transaction_++, entry->first, connection.remote.second,
                                       connection.remote_queue_pair.second);
  connection.tries_left = disconnect_tries;
  port_.send(connection.last, connection.address);
  start_timer(entry, now + connection.interval);
}

// The peer may use its queue pair for something new at once; its packets carry another PSN.
void Manager::wait_out(Entry entry, Time now) {
  entry->second.state = State::time_wait;
  forget_queue_pair(entry);
  start_timer(entry, now + entry->second.time_wait);
}

void Manager::end(Entry entry, End why, Time now) {
  const Handle handle = entry->first;
  if (entry->second.state == State::deciding) {
    forget(entry);
  } else {
    wait_out(entry, now);
  }
  port_.on_end(handle, why);
}

void Manager::forget(Entry entry) {
  stop_timer(entry);
  by_remote_.erase(entry->second.remote);
  forget_queue_pair(entry);
  connections_.erase(entry);
}

void Manager::forget_queue_pair(Entry entry) {
  const auto used = by_queue_pair_.find(entry->second.remote_queue_pair);
  if (used != by_queue_pair_.end() && used->second == entry->first) by_queue_pair_.erase(used);
}

void Manager::lose() {
  while (!connections_.empty()) {
    const Entry entry = connections_.begin();
    const Handle handle = entry->first;
    const State state = entry->second.state;
    forget(entry);
    if (state < State::leaving) port_.on_end(handle, End::lost);
  }
}

// Time

std::optional<Time> Manager::deadline() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

void Manager::start_timer(Entry entry, Time due) {
  stop_timer(entry);
  entry->second.due = due;
  entry->second.timed = true;
  timers_.insert({due, entry->first});
}

void Manager::stop_timer(Entry entry) {
  if (entry->second.timed) timers_.erase({entry->second.due, entry->first});
  entry->second.timed = false;
}

void Manager::expire(Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Entry entry = connections_.find(timers_.begin()->second);
    CHECK(entry != connections_.end());
    stop_timer(entry);
    switch (entry->second.state) {
      case State::deciding:
        ask_for_time(entry, now);
        break;
      case State::replied:
      case State::leaving:
        send_again(entry, now);
        break;
      case State::established:
        break;
      case State::time_wait:
        forget(entry);
        break;
    }
  }
}

void Manager::send_again(Entry entry, Time now) {
  Connection& connection = entry->second;
  if (connection.tries_left > 0) {
    --connection.tries_left;
    port_.send(connection.last, connection.address);
    return start_timer(entry, now + connection.interval);
  }
  if (connection.state == State::leaving) return wait_out(entry, now);
  give_up(entry, About::rep, now);
}

void Manager::give_up(Entry entry, About about, Time now) {
  const Connection& connection = entry->second;
  port_.send(rejection(connection.transaction, entry->first, connection.remote.second, about,
                       Reason::timeout),
             connection.address);
  end(entry, End::unreachable, now);
}

// Never one that is in use, nor 0, which means none.
Handle Manager::next_handle() {
  while (next_id_ == 0 || connections_.contains(next_id_)) ++next_id_;
  return next_id_++;
}

}  // namespace srpd::ibcm
