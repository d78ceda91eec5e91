// A connection over a reliable-connected queue pair.
//
// Life: connecting -> open -> flushing (graceful: what is queued leaves) -> ending (the queue pair
// is in error, what is posted flushes) -> released (the queue pair is gone, and everything of the
// device) -> closed (the handler knows). Until the peer is known to be ready, sends wait.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/buffer_pool.h"
#include "runtime/loop.h"
#include "transport/channel_base.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/endpoint.h"
#include "transport/verbs/keep_alive.h"
#include "transport/verbs/loop_context.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/recycled_map.h"
#include "transport/verbs/send_ring.h"
#include "transport/verbs/shared.h"
#include "transport/verbs/transfer_cursor.h"

namespace srpd::transport::verbs {

class VerbsChannel final : public ChannelBase<VerbsChannel>,
                           public CmHandler,
                           public KeepAlive::Connection {
 public:
  struct Setup {
    std::shared_ptr<Shared> shared;
    std::shared_ptr<LoopState> state;
    std::unique_ptr<Endpoint> endpoint;  ///< its events are the channel's from now on
    std::shared_ptr<Device> device;
    ChannelParameters parameters;
  };

  /// With a queue pair and its receives, on the loop of `setup.state`.
  static Expected<std::unique_ptr<VerbsChannel>> make(Setup setup);
  ~VerbsChannel() override;

  /// As responder; `depth`: RDMA Reads that the peer accepts, `resources`: those it wants.
  Expected<void> accept(std::span<const std::byte> private_data, std::uint32_t depth,
                        std::uint32_t resources);
  /// As initiator. The event that ends the attempt goes to whoever handles those of the endpoint.
  Expected<void> connect(std::span<const std::byte> private_data);
  /// As initiator: the peer has accepted.
  void established(const rdma_conn_param& agreed);
  /// Until established().
  void send_events_to(CmHandler& handler) { endpoint_->set_handler(&handler); }

  void start(Handler& handler) override;
  void release(Iu& iu) override;
  void send(SendWork& work) override;
  void read(ReadWork& work) override;
  RemoteSegment expose(std::span<std::byte> memory, Access access) override;
  void withdraw(std::uint32_t key) override;
  void disconnect(std::string_view why, bool graceful) override;
  std::string description() const override { return description_; }

  void on_cm_event(const CmEvent& event) override;

  // For the LoopContext.
  bool shares_receives() const { return seat_.shared != nullptr; }
  void on_sent(std::uint32_t number, const ibv_wc& completion);
  void on_received(ReceiveBuffer& buffer, const ibv_wc& completion);
  void on_async_event(ibv_event_type type);

 private:
  friend class ChannelBase<VerbsChannel>;
  enum class Phase : std::uint8_t { connecting, open, flushing, ending, released, closed };

  /// Memory registered for one work request.
  struct Temporary {
    Registration registration;
    Temporary* next = nullptr;
  };
  /// A work request in the send queue, with what it keeps until it completes.
  struct Posted {
    SendWork* send = nullptr;  ///< which is complete with it
    ReadWork* read = nullptr;  ///< likewise
    bool is_read = false;
    bool awaited = false;  ///< asks for a completion of its own
    bool settled = false;  ///< completed, and what was kept for it is free
    SendSlot* slot = nullptr;
    Temporary* temporaries = nullptr;
    runtime::Buffer copy;
  };

  VerbsChannel(Setup setup, std::shared_ptr<LoopContext> context);
  Expected<void> open_queue_pair();
  bool create_queue_pair(ibv_qp_init_attr& attributes);
  Expected<void> take_own_receives(std::uint32_t count);

  // Receiving
  bool post_own_receives();
  void give_back(ReceiveBuffer& buffer);
  void deliver_arrived();

  // Sending (channel_send.cc)
  void pump();
  bool build(std::size_t at);
  bool build_read(std::size_t at);
  bool build_write(std::size_t at);
  bool build_send(std::size_t at);
  bool build_rdma(std::size_t at, TransferCursor& cursor, std::uint32_t most_pieces,
                  Posted& posted);
  bool resolve(std::byte* memory, std::uint32_t length, ibv_sge& piece, Posted& posted);
  bool place_iu(std::span<const std::byte> iu, std::size_t at, Posted& posted);
  void queue(std::size_t at, Posted posted);
  void post(std::size_t count);
  void forget(const Posted& posted);
  void settle(Posted& posted, int result);
  void retire();

  // KeepAlive::Connection
  bool awaits() const override { return phase_ == Phase::open && !ring_->empty(); }
  void ask() override;
  void give_up() override;

  // Ending
  void fail(CloseReason::Kind kind, std::string text, bool certain = true);
  void end();
  bool drained();
  void release_queue_pair();
  void take_turn();
  void on_alarm();
  void close();

  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<LoopState> state_;
  std::unique_ptr<Endpoint> endpoint_;
  std::shared_ptr<Device> device_;
  const std::shared_ptr<LoopContext> context_;
  const ChannelParameters parameters_;
  LoopContext::Seat seat_;
  bool seated_ = false;
  ibv_qp* queue_pair_ = nullptr;
  std::uint32_t queue_pair_number_ = 0;
  std::string description_;

  OperationLimits operation_;
  std::uint32_t read_pieces_ = 1;
  std::uint32_t inline_bytes_ = 0;
  std::unique_ptr<SendRing<Posted>> ring_;
  std::uint32_t reads_posted_ = 0;      // work requests
  std::uint32_t covered_ = UINT32_MAX;  // the last send or write that is known to be complete
  WorkQueue<SendWork> sends_;           // not posted to the end
  WorkQueue<ReadWork> reads_;
  TransferCursor write_cursor_;  // of the first of each
  TransferCursor read_cursor_;
  bool write_begun_ = false;
  bool read_begun_ = false;

  std::vector<ReceiveBuffer*> own_receives_;  // without a shared queue
  std::uint32_t own_posted_ = 0;
  WorkQueue<Iu> arrived_;  // before start()
  WorkQueue<ReceiveBuffer> returned_;

  RecycledMap<std::uint32_t, Registration> exposed_;

  Phase phase_ = Phase::connecting;
  bool certain_ = true;        // of the reason
  bool peer_ready_ = false;    // may be sent to
  bool last_receive_ = false;  // no more receives will complete
  bool waited_for_last_ = false;
  bool forced_ = false;  // does not wait for flushed work requests any longer
};

}  // namespace srpd::transport::verbs
