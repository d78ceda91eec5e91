#include "scsi/task_set.h"

#include <utility>

#include "scsi/execute.h"

namespace srpd::scsi {
namespace {

bool same_unit(const Command& a, const Command& b) {
  return a.itl == b.itl && (a.itl != nullptr || a.lun == b.lun);
}

bool is_special(const Command& command) { return command.attribute != TaskAttribute::simple; }

}  // namespace

TaskSet::~TaskSet() { CHECK(size_ == 0); }

void TaskSet::submit(Command& command) {
  command.buffer_account = &buffers_;
  command.previous = newest_;
  command.next_in_set = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->next_in_set) = &command;
  newest_ = &command;
  ++size_;
  if (is_special(command)) ++special_;
  if (special_ == 0 || may_start(command)) start(command);
}

void TaskSet::finish(Command& command) {
  CHECK(command.started);
  unlink(command);
  if (command.buffer) command.loop->buffers().release(std::exchange(command.buffer, {}));
  // Only a special command keeps others waiting, but it may itself have waited for a simple one.
  const bool others_may_wait = special_ != 0 || is_special(command);
  if (is_special(command)) --special_;
  if (others_may_wait) start_waiting();
}

void TaskSet::unlink(Command& command) {
  Command* const previous = command.previous;
  Command* const next = command.next_in_set;
  (previous == nullptr ? oldest_ : previous->next_in_set) = next;
  (next == nullptr ? newest_ : next->previous) = previous;
  command.previous = command.next_in_set = nullptr;
  --size_;
}

// SAM-5 8.6: HEAD OF QUEUE starts at once; ORDERED after everything older; SIMPLE after every older
// ORDERED. A HEAD OF QUEUE command counts as older than all that have not started.
bool TaskSet::may_start(const Command& command) const {
  const bool ordered = command.attribute == TaskAttribute::ordered;
  if (is_special(command) && !ordered) return true;
  bool older = true;
  for (const Command* other = oldest_; other != nullptr; other = other->next_in_set) {
    if (other == &command) {
      older = false;
    } else if (same_unit(*other, command)) {
      if (other->attribute == TaskAttribute::head_of_queue) return false;
      if (older && (ordered || other->attribute == TaskAttribute::ordered)) return false;
    }
  }
  return true;
}

void TaskSet::start(Command& command) {
  command.started = true;
  execute(command);
}

// Starting a command does not make another one startable, finishing one does; so one look at the
// list finds all. They are started from the front each time, since a start may end in finish() and
// change the list; finish() meanwhile only asks for another round, which bounds the stack.
void TaskSet::start_waiting() {
  start_again_ = true;
  if (holding_) return;
  holding_ = true;
  while (std::exchange(start_again_, false)) {
    for (Command* command = oldest_; command != nullptr; command = command->next_in_set)
      command->startable = !command->started && !command->aborted && may_start(*command);
    for (Command* command = oldest_; command != nullptr;) {
      if (!std::exchange(command->startable, false)) {
        command = command->next_in_set;
        continue;
      }
      start(*command);
      command = oldest_;
    }
  }
  holding_ = false;
}

void TaskSet::complete_aborted() {
  const bool was_holding = std::exchange(holding_, true);
  for (Command* command = oldest_; command != nullptr;) {
    if (!command->aborted || command->started) {
      command = command->next_in_set;
      continue;
    }
    command->started = true;
    command->on_complete();
    command = oldest_;
  }
  holding_ = was_holding;
  if (!holding_ && start_again_) start_waiting();
}

}  // namespace srpd::scsi
