// Connection events of one loop, and the devices its connections use. Lives as long as a listener,
// connector or connection of the loop.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "runtime/loop.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/device.h"
#include "transport/verbs/lent_memories.h"
#include "transport/verbs/loop_context.h"

namespace srpd::transport::verbs {

class LoopState final : public std::enable_shared_from_this<LoopState>, private runtime::Watch {
 public:
  LoopState(runtime::Loop& loop, Devices& devices) : loop_(loop), devices_(devices) {}
  ~LoopState();
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;

  runtime::Loop& loop() { return loop_; }

  /// Lets identifiers of RDMA/CM be made; what does not need them works without. May be repeated.
  Expected<void> open_events();
  /// With no handler yet. errno says why it is empty.
  CmId make_id(rdma_port_space space);
  /// Events of `id` come here from now on. It waits for nothing: no event of it is being handled.
  bool adopt(rdma_cm_id& id) {
    return open_events().has_value() && ::rdma_migrate_id(&id, channel_) == 0;
  }

  Expected<std::shared_ptr<LoopContext>> context_of(
      const std::shared_ptr<Device>& device, const VerbsOptions& options,
      const std::shared_ptr<const LentMemories>& lent);

 private:
  void on_ready(std::uint32_t events) override;
  void dispatch(rdma_cm_event& event);

  runtime::Loop& loop_;
  Devices& devices_;
  rdma_event_channel* channel_ = nullptr;
  std::vector<std::weak_ptr<LoopContext>> contexts_;
};

/// One LoopState per loop, made when it is first needed. Any thread.
class LoopStates {
 public:
  /// On the thread of `loop`, as is the end of what it returns.
  std::shared_ptr<LoopState> of(runtime::Loop& loop, Devices& devices);

 private:
  struct Entry {
    runtime::Loop* loop;
    std::weak_ptr<LoopState> state;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace srpd::transport::verbs
