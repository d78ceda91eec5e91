// The requests of a Session on their way to its channels and back.
#include <algorithm>
#include <cerrno>

#include "initiator/session.h"

namespace srpd::initiator {
namespace {

// After BUSY or TASK SET FULL.
constexpr std::chrono::milliseconds busy_pause{20};

constexpr unsigned key_unit_attention = 0x6;

// SPC-5 4.4: the sense key of fixed (70h, 71h) and descriptor (72h, 73h) format.
unsigned sense_key(std::span<const std::byte> sense) {
  if (sense.size() < 3) return 0;
  const unsigned code = std::to_integer<unsigned>(sense[0]) & 0x7f;
  return std::to_integer<unsigned>(sense[code >= 0x72 ? 1 : 2]) & 0x0f;
}

}  // namespace

void Session::Queue::push_back(Request& request) {
  request.next = nullptr;
  (head_ == nullptr ? head_ : tail_->next) = &request;
  tail_ = &request;
  ++size_;
}

Request& Session::Queue::pop_front() {
  Request& request = *head_;
  head_ = request.next;
  --size_;
  return request;
}

void Session::Queue::insert(Request& request) {
  Request** place = &head_;
  while (*place != nullptr && (*place)->sequence < request.sequence) place = &(*place)->next;
  request.next = *place;
  *place = &request;
  if (request.next == nullptr) tail_ = &request;
  ++size_;
}

bool Session::Queue::remove(Request& request) {
  Request* previous = nullptr;
  for (Request* each = head_; each != nullptr; previous = each, each = each->next) {
    if (each != &request) continue;
    (previous == nullptr ? head_ : previous->next) = request.next;
    if (tail_ == &request) tail_ = previous;
    --size_;
    return true;
  }
  return false;
}

bool Session::submit(Request& request) {
  CHECK(request.done != nullptr && request.cdb_length >= 6 &&
        request.cdb_length <= request.cdb.size());
  if (state_ == State::closing || state_ == State::over || queue_.size() >= options_.max_queued)
    return false;
  request.error = 0;
  request.status = 0;
  request.sense_length = 0;
  request.residual = {};
  request.sent_count = 0;
  request.retries_left = request.transient_retries;
  request.sequence = ++next_sequence_;
  const auto timeout = request.timeout.count() > 0 ? request.timeout : options_.command_timeout;
  request.deadline = loop_.now() + timeout;
  watch_deadline(request.deadline);
  queue_.push_back(request);
  wake();
  return true;
}

void Session::pump() {
  while (!queue_.empty()) {
    Connection* const channel = channel_with_room();
    if (channel == nullptr) return;
    Request& request = queue_.pop_front();
    if (request.sent_count > 0) ++counters_.reissued;
    const int rc = channel->send(request);
    if (rc < 0) complete_later(request, rc);
  }
}

// One after the other, so that the load spreads.
Connection* Session::channel_with_room() {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (next_channel_ >= channels_.size()) next_channel_ = 0;
    Connection& channel = *channels_[next_channel_++];
    if (channel.can_send()) return &channel;
  }
  return nullptr;
}

void Session::on_room(Connection&) {
  if (!queue_.empty() || tasks_ != nullptr) wake();
}

void Session::on_finished(Connection&, Request& request) {
  if (request.error == 0 && state_ == State::up && hold_back(request)) return;
  request.done(request);
}

// Answers that say "not executed, try again".
bool Session::hold_back(Request& request) {
  if (request.status == status_good || request.retries_left == 0) return false;
  if (request.status == status_check_condition) {
    if (sense_key(request.sense_bytes()) != key_unit_attention) return false;
    queue_.insert(request);
    wake();
  } else if (request.status == status_busy || request.status == status_task_set_full) {
    held_.push_back(request);
    if (!held_timer_.armed()) loop_.start_timer(held_timer_, loop_.now() + busy_pause);
  } else {
    return false;
  }
  --request.retries_left;
  return true;
}

void Session::release_held() {
  while (!held_.empty()) queue_.insert(held_.pop_front());
  wake();
}

void Session::complete(Request& request, int error) {
  request.error = error;
  request.done(request);
}

void Session::complete_later(Request& request, int error) {
  request.error = error;
  finished_.push_back(request);
  wake();
}

}  // namespace srpd::initiator
