// A connection over software iWARP: moves bytes between a TCP socket and the protocol cores
// (Receiver, Transmitter) and turns events into the callbacks of transport::Channel.
//
// Life: waiting (before start) -> open -> flushing (graceful: what is queued leaves) -> draining
// (FIN sent, the peer's is awaited, so that it can read our last words) -> ending -> closed. A
// fault goes from open to draining when a Terminate could be sent, else to ending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/loop.h"
#include "transport/channel_base.h"
#include "transport/iwarp/loop_state.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/options.h"
#include "transport/iwarp/receiver.h"
#include "transport/iwarp/ring.h"
#include "transport/iwarp/socket.h"
#include "transport/iwarp/stag_table.h"
#include "transport/iwarp/transmitter.h"

namespace srpd::transport::iwarp {

class IwarpChannel final : public ChannelBase<IwarpChannel>,
                           private Receiver::Owner,
                           private runtime::Watch,
                           private LoopState::Pollable {
 public:
  enum class Role : std::uint8_t { initiator, responder };

  struct Setup {
    Role role;
    Agreement agreement;
    ChannelParameters parameters;
    IwarpOptions options;
  };

  /// On the thread of `loop`; the MPA exchange is complete.
  IwarpChannel(runtime::Loop& loop, std::shared_ptr<LoopState> shared, Socket socket,
               const Setup& setup);
  ~IwarpChannel() override;

  void start(Handler& handler) override;
  void release(Iu& iu) override;
  void send(SendWork& work) override;
  void read(ReadWork& work) override;
  RemoteSegment expose(std::span<std::byte> memory, Access access) override;
  void withdraw(std::uint32_t key) override;
  void disconnect(std::string_view why, bool graceful) override;
  std::string description() const override;

 private:
  friend class ChannelBase<IwarpChannel>;
  enum class Phase : std::uint8_t { waiting, open, flushing, draining, ending, closed };

  // Looks now and then whether RDMA Reads get on; armed while there are any, so that it costs
  // nothing per read.
  struct ReadWatch : runtime::Timer {
    explicit ReadWatch(IwarpChannel& owner)
        : Timer([](Timer& self) { static_cast<ReadWatch&>(self).channel.check_reads(); }),
          channel(owner) {}
    IwarpChannel& channel;
    std::uint32_t responses = 0;  // how many were complete at the last look,
    std::uint32_t left = 0;       // and what was missing of the oldest read
    std::uint32_t idle = 0;       // looks in a row without progress
  };

  // Receiver::Owner
  Iu* take_iu(std::uint32_t length, bool whole) override;
  void deliver(Iu& iu) override;
  void read_placed(const OutstandingRead& read) override;
  void read_requested(const InboundRead& request) override;
  void first_fpdu_arrived() override;

  void on_ready(std::uint32_t events) override;
  bool poll_receive() override;
  // More to read in the next iteration while open, the deadline of the end later.
  void on_alarm();
  void take_turn();

  bool receive(bool to_the_end);
  ssize_t receive_once(std::size_t& asked);
  std::size_t staging_share(std::size_t direct_bytes) const;
  void discard_received();
  void end_of_stream();
  void receiver_stopped();

  void flush();
  ssize_t send_batch();

  void socket_failed(int error_number);
  void fail(CloseReason::Kind kind, std::string text, const Fault* fault = nullptr);
  bool send_terminate(const Fault& fault);
  void watch_reads();
  void check_reads();
  void abandon();
  void drain();
  void close();

  static Receiver::Settings receiver_settings(const Setup& setup);
  static Transmitter::Settings transmitter_settings(const Setup& setup, const Socket& socket);

  const std::shared_ptr<LoopState> shared_;
  Socket socket_;
  const Setup setup_;
  const Transmitter::Settings sending_;

  StagTable stags_;
  Ring<OutstandingRead> outstanding_;
  Ring<InboundRead> inbound_;
  Receiver receiver_;
  Transmitter transmitter_;

  Phase phase_ = Phase::waiting;
  bool reset_ = false;           // close with RST
  bool send_blocked_ = false;    // the socket is full; EPOLLOUT will come
  bool hung_up_ = false;         // FIN or an error is reported: read to the end
  std::uint8_t bulk_ = 0;        // large payloads came lately: read less into the staging buffer
  std::uint32_t responses_ = 0;  // complete ones
  ReadWatch read_watch_{*this};
};

}  // namespace srpd::transport::iwarp
