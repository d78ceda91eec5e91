// Deadlines of a Session's requests, and task management, by the user or for recovery: one function
// at a time.
#include <algorithm>
#include <cerrno>

#include "initiator/session.h"

namespace srpd::initiator {

template <class Wanted, class Visitor>
void Session::Queue::take_if(Wanted wanted, Visitor visit) {
  Queue kept;
  while (!empty()) {
    Request& request = pop_front();
    if (wanted(request)) {
      visit(request);
    } else {
      kept.push_back(request);
    }
  }
  *this = kept;
}

void Session::watch_deadline(runtime::Time deadline) {
  if (deadline_timer_.armed()) {
    if (deadline_timer_.deadline() <= deadline) return;
    loop_.cancel_timer(deadline_timer_);
  }
  loop_.start_timer(deadline_timer_, deadline);
}

// Armed to the earliest deadline or before it, so that submitting and completing cost nothing.
void Session::on_deadline() {
  const runtime::Time now = loop_.now();
  runtime::Time earliest = runtime::Time::max();
  for (Queue* queue : {&queue_, &held_})
    queue->take_if(
        [&](const Request& request) {
          if (request.deadline > now) earliest = std::min(earliest, request.deadline);
          return request.deadline <= now;
        },
        [this](Request& request) {
          ++counters_.timeouts;
          complete_later(request, -ETIMEDOUT);
        });
  Request* expired = nullptr;
  Connection* carrier = nullptr;
  for (const auto& channel : channels_)
    channel->for_each([&](Request& request) {
      if (request.deadline > now) {
        earliest = std::min(earliest, request.deadline);
      } else if (expired == nullptr || request.sequence < expired->sequence) {
        expired = &request;
        carrier = channel.get();
      }
    });
  if (earliest != runtime::Time::max()) watch_deadline(earliest);
  if (expired != nullptr && step_ == Step::none && state_ == State::up) recover(*carrier, *expired);
}

void Session::recover(Connection& connection, Request& request) {
  ++counters_.timeouts;
  step_ = Step::abort;
  recovery_.function = srp::TaskFunction::abort_task;
  recovery_.lun = request.lun;
  recovery_.victim = &request;
  recovery_.channel = connection.index();
  manage(recovery_);
}

void Session::on_recovered() {
  if (step_ == Step::none || state_ != State::up) return;
  const bool done = recovery_.error == -ENOENT ||
                    (recovery_.error == 0 && recovery_.code == srp::ResponseCode::no_failure);
  if (done) {
    step_ = Step::none;
    watch_deadline(loop_.now());  // others may have expired as well
  } else if (step_ == Step::abort) {
    step_ = Step::reset;
    recovery_.function = srp::TaskFunction::lun_reset;
    recovery_.victim = nullptr;
    manage(recovery_);
  } else {
    drop("no answer to ABORT TASK nor LUN RESET");
  }
}

bool Session::manage(TaskRequest& task) {
  CHECK(task.done != nullptr);
  if (state_ == State::closing || state_ == State::over) return false;
  if (&task != &recovery_) task.victim_error = -ECANCELED;
  task.victim_sequence = task.victim != nullptr ? task.victim->sequence : 0;
  task.error = 0;
  task.next = nullptr;
  *tasks_tail_ = &task;
  tasks_tail_ = &task.next;
  wake();
  return true;
}

Connection* Session::carrier_of(const Request& request) {
  for (const auto& channel : channels_)
    if (channel->carries(request)) return channel.get();
  return nullptr;
}

void Session::start_task() {
  while (tasks_ != nullptr && task_channel_ == nullptr) {
    TaskRequest& task = *tasks_;
    Connection* channel = channels_[task.channel < channels_.size() ? task.channel : 0].get();
    if (task.function == srp::TaskFunction::abort_task) {
      // The victim may have completed and its record may be in use for something else.
      channel = task.victim != nullptr ? carrier_of(*task.victim) : nullptr;
      if (channel != nullptr && task.victim->sequence != task.victim_sequence) channel = nullptr;
      if (channel == nullptr) {
        finish_task(-ENOENT, {});
        continue;
      }
    }
    if (!task_timer_.armed())
      loop_.start_timer(task_timer_, loop_.now() + options_.task_management_timeout);
    if (!channel->can_manage()) return;
    const bool abort = task.function == srp::TaskFunction::abort_task;
    ++(abort ? counters_.aborts : counters_.resets);
    task_channel_ = channel;
    channel->manage(task.function, task.lun, abort ? task.victim : nullptr);
  }
}

void Session::on_managed(Connection& connection, std::optional<srp::ResponseCode> code) {
  if (task_channel_ != &connection) return;
  const TaskRequest& task = *tasks_;
  if (!code) {
    finish_task(-ECONNRESET, {});
    return;
  }
  const bool forgets = task.function != srp::TaskFunction::clear_aca;
  if (*code == srp::ResponseCode::no_failure && forgets) {
    const bool abort = task.function == srp::TaskFunction::abort_task;
    connection.forget(abort ? task.victim : nullptr, task.lun, task.victim_error);
  }
  finish_task(0, *code);
}

void Session::finish_task(int error, srp::ResponseCode code) {
  TaskRequest& task = *tasks_;
  tasks_ = task.next;
  if (tasks_ == nullptr) tasks_tail_ = &tasks_;
  task_channel_ = nullptr;
  loop_.cancel_timer(task_timer_);
  task.error = error;
  task.code = code;
  task.done(task);
  if (tasks_ != nullptr) wake();
}

void Session::on_task_timeout() {
  if (task_channel_ != nullptr) task_channel_->give_up_managing();
  finish_task(-ETIMEDOUT, {});
}

}  // namespace srpd::initiator
