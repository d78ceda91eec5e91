// One device as the connections of one loop use it: completion queues, which the loop polls while
// it is awake and which wake it from sleep; the shared receive queue; registered memory.
//
// Lives as long as one of the connections, or who reserved it; what belongs to the device goes with
// the last one that has a queue pair (close()), since the removal of a device waits for it.
#pragma once

#include <infiniband/verbs.h>

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/loop.h"
#include "transport/verbs/device.h"
#include "transport/verbs/keep_alive.h"
#include "transport/verbs/lent_memories.h"
#include "transport/verbs/memory_map.h"
#include "transport/verbs/options.h"
#include "transport/verbs/receive_buffers.h"
#include "transport/verbs/send_slots.h"

namespace srpd::transport::verbs {

class VerbsChannel;

/// An event of the device (ibv_get_async_event(3)), copied.
struct AsyncEvent {
  ibv_event_type type{};
  std::uint32_t queue_pair = 0;  ///< number, where it concerns one
  const void* object = nullptr;  ///< the completion or shared receive queue it concerns
};

class LoopContext final : public std::enable_shared_from_this<LoopContext>,
                          runtime::Poller,
                          KeepAlive::Owner {
 public:
  static Expected<std::shared_ptr<LoopContext>> open(
      runtime::Loop& loop, std::shared_ptr<Device> device, const VerbsOptions& options,
      const std::shared_ptr<const LentMemories>& lent);
  ~LoopContext();
  LoopContext(const LoopContext&) = delete;
  LoopContext& operator=(const LoopContext&) = delete;

  /// Place of a connection among the others.
  struct Seat {
    std::uint32_t index = 0;
    ibv_cq* queue = nullptr;
    ibv_srq* shared = nullptr;           ///< null: the queue pair has receives of its own
    ReceiveBuffers* receives = nullptr;  ///< where its buffers come from
    std::uint32_t reserved = 0;
  };
  /// For at most `sends` and, without a shared queue, `receives` work requests.
  Expected<Seat> take_seat(VerbsChannel& channel, std::uint32_t sends, std::uint32_t receives,
                           std::uint32_t receive_size);
  /// Makes what the first connection would, and keeps it while there are none.
  Expected<void> reserve();
  void unreserve();
  void set_queue_pair(const Seat& seat, std::uint32_t number);
  /// The queue pair is destroyed. With the last one goes everything of the device.
  void give_seat(const Seat& seat, std::uint32_t queue_pair);
  bool closed() const { return device_ == nullptr; }

  /// Handles what the completion queues hold, all of it.
  void poll_dry();
  /// A buffer of the shared receive queue is free again.
  void return_shared(ReceiveBuffer& buffer);
  void handle(const AsyncEvent& event);

  Device& device() { return *device_; }
  MemoryMap& memory() { return *memory_; }
  SendSlots& slots() { return *slots_; }

  /// Where work requests are built.
  static constexpr std::size_t batch = 32;
  static constexpr std::size_t most_pieces = 16;
  std::array<ibv_send_wr, batch> requests;
  std::array<std::array<ibv_sge, most_pieces>, batch> pieces;

  static constexpr std::uint64_t receive_flag = std::uint64_t{1} << 63;
  static std::uint64_t send_id(const Seat& seat, std::uint32_t number) {
    return std::uint64_t{seat.index} << 32 | number;
  }

 private:
  struct CompletionQueue {
    ibv_cq* queue = nullptr;
    Device::VectorCounter* counter = nullptr;
    std::uint32_t free = 0;      // entries that nobody reserved
    std::uint32_t capacity = 0;  // what there was at first
    bool armed = false;          // the next completion is announced
  };
  struct CompletionWatch final : runtime::Watch {
    explicit CompletionWatch(LoopContext& of) : owner(of) {}
    void on_ready(std::uint32_t) override { owner.completions_announced(); }
    LoopContext& owner;
  };
  struct AsyncWatch final : runtime::Watch {
    explicit AsyncWatch(LoopContext& of) : owner(of) {}
    void on_ready(std::uint32_t) override { owner.read_async_events(); }
    LoopContext& owner;
  };

  LoopContext(runtime::Loop& loop, std::shared_ptr<Device> device, const VerbsOptions& options,
              const std::shared_ptr<const LentMemories>& lent);
  Expected<void> prepare();
  Expected<CompletionQueue*> queue_with_room(std::uint32_t entries);
  void drop_unused_queues();
  bool open_shared_queue();
  Expected<bool> share_receives(std::uint32_t size);
  ReceiveBuffers& buffers_of(std::uint32_t size);
  void close();

  bool poll() override;
  bool prepare_sleep() override;
  void catch_up() override { poll_dry(); }
  bool poll(CompletionQueue& completions);
  void completions_announced();
  void dispatch(const ibv_wc& completion);
  VerbsChannel* find(std::uint32_t queue_pair);

  void grow_shared();
  void post_shared();
  void arm_shared_limit();

  void look_whether_removed();
  void read_async_events();
  void log_port(const ibv_async_event& event);

  runtime::Loop& loop_;
  std::shared_ptr<Device> device_;
  const VerbsOptions options_;
  ibv_comp_channel* announcements_ = nullptr;
  std::vector<std::unique_ptr<CompletionQueue>> queues_;
  std::unique_ptr<MemoryMap> memory_;
  std::unique_ptr<SendSlots> slots_;
  std::vector<std::unique_ptr<ReceiveBuffers>> buffers_;  // by size

  ibv_srq* shared_ = nullptr;
  std::uint32_t shared_most_ = 0;    // what it was granted
  std::uint32_t shared_target_ = 0;  // what it shall hold
  std::uint32_t shared_posted_ = 0;  // what it holds, and what waits in `returned_`
  ReceiveBuffer* returned_ = nullptr;

  std::vector<VerbsChannel*> seats_;
  std::vector<std::uint32_t> free_seats_;
  std::unordered_map<std::uint32_t, VerbsChannel*> by_number_;
  std::uint32_t last_number_ = 0;
  VerbsChannel* last_channel_ = nullptr;
  std::uint32_t users_ = 0;

  CompletionWatch completion_watch_{*this};
  AsyncWatch async_watch_{*this};
  runtime::Bound<runtime::Deferred, LoopContext, &LoopContext::post_shared> repost_{*this};
  runtime::Bound<runtime::Timer, LoopContext, &LoopContext::look_whether_removed> look_{*this};
  KeepAlive keep_alive_;
};

}  // namespace srpd::transport::verbs
