// The task set of one session: every command of it that has not ended, oldest first, and the rules
// by which they start (SAM-5 8: SIMPLE, ORDERED, HEAD OF QUEUE). Units report TST 001b, one task
// set per I_T nexus; commands on different channels of a nexus have no order among each other. A
// session has one set for all its LUNs; the rules apply per unit, and cost a look at the list only
// while ORDERED or HEAD OF QUEUE commands are in it.
#pragma once

#include <cstdint>

#include "base/check.h"
#include "runtime/buffer_pool.h"
#include "scsi/command.h"
#include "scsi/forward.h"

namespace srpd::scsi {

class TaskSet {
 public:
  TaskSet() = default;
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet();

  /// Takes the command in, with its results reset, and starts it when its attribute allows.
  /// on_complete() may come inline.
  void submit(Command& command);

  /// The target is done with a completed command (its response left, or it was aborted): buffers go
  /// back, the slot may be reused. Commands that waited for it start, and may complete, inline.
  void finish(Command& command);

  /// Marks as aborted what `matches` says; a command that has not started completes (aborted) at
  /// once, one that runs completes when the store lets go. None of the waiting commands that are
  /// kept starts in between. Returns how many. The set outlives the call.
  template <class Predicate>
  std::uint32_t abort_if(Predicate matches) {
    std::uint32_t count = 0;
    for (Command* command = oldest_; command != nullptr; command = command->next_in_set) {
      if (command->aborted || !matches(*command)) continue;
      command->aborted = true;
      cancel_at_device(*command);
      ++count;
    }
    if (count != 0) complete_aborted();
    return count;
  }

  /// Calls `visit(Command&)` for each, oldest first.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (Command* command = oldest_; command != nullptr; command = command->next_in_set)
      visit(*command);
  }

  std::uint32_t size() const { return size_; }

 private:
  void complete_aborted();
  bool may_start(const Command& command) const;
  void start(Command& command);
  void start_waiting();
  void unlink(Command& command);

  runtime::BufferAccount buffers_;  ///< of its commands
  Command* oldest_ = nullptr;
  Command* newest_ = nullptr;
  std::uint32_t size_ = 0;
  /// ORDERED and HEAD OF QUEUE commands in the set. Without any, nothing waits and a command starts
  /// without a look at the list.
  std::uint32_t special_ = 0;
  bool holding_ = false;      ///< abort_if() or start_waiting() is at work
  bool start_again_ = false;  ///< something finished meanwhile
};

}  // namespace srpd::scsi
