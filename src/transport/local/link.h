// A connection of the local transport: two ports, each on its own loop, and the messages between
// them. A posted work travels to the peer's loop as a packet, takes effect there on the memory of
// both sides, and travels back as its completion: so memory is touched only while its owner
// guarantees that it stays, and nothing is shared but the packet in flight.
//
// What keeps its order is what RDMA keeps in order: sends (with their writes) among each other,
// reads among each other, and their completions likewise. A read and a send may overtake one
// another.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "transport/local/exposed_memory.h"
#include "transport/local/fault_plan.h"
#include "transport/transport.h"

namespace srpd::transport {

class Port;
class Link;

struct Packet : runtime::Mail {
  enum class Kind : std::uint8_t { send, read, goodbye };
  using Mail::Mail;

  Port* origin = nullptr;
  Kind kind = Kind::send;
  bool returning = false;
  int result = 0;
  SendWork* send = nullptr;
  ReadWork* read = nullptr;
  runtime::Time due{};
  Packet* next = nullptr;
};

/// Packets on their way to a port, in order, each with its delay.
class Lane : public runtime::Timer {
 public:
  using Handle = void (Port::*)(Packet& packet);
  Lane(Port& port, Handle handle);

  /// Handled now when nothing is ahead and `delay` is zero.
  void push(Packet& packet, runtime::Time delay);
  /// Handles everything at once.
  void flush();
  bool empty() const { return head_ == nullptr; }

 private:
  void expired();
  Packet* pop();

  Port& port_;
  Handle handle_;
  Packet* head_ = nullptr;
  Packet* tail_ = nullptr;
  runtime::Time last_due_{};
};

class Port {
 public:
  Port(Link& link, runtime::Loop& loop, const ChannelParameters& parameters, std::uint64_t seed,
       const FaultPlan& plan);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port();

  void connect(Port& peer, std::uint32_t read_depth);

  void start(Channel::Handler& handler);
  void release(Iu& iu);
  void post_send(SendWork& work);
  void post_read(ReadWork& work);
  void disconnect(std::string_view why, bool graceful);
  /// The channel object is gone; what still arrives is turned back.
  void abandon();

  ExposedMemory& memory() { return memory_; }
  const Limits& limits() const { return limits_; }
  runtime::Loop& loop() { return loop_; }

  Address address;

 private:
  friend class Lane;
  enum class Effect : std::uint8_t { done, refused };

  static void on_mail(runtime::Mail& mail);
  static void on_closing_mail(runtime::Mail& mail);
  static void on_settle(runtime::Deferred& deferred);

  runtime::Time delay();
  Packet& take_packet();
  void launch(Packet& packet);
  void finish_unanswered(ReadWork& work);
  void launch_reads();
  void arrive(Packet& packet);
  void perform(Packet& packet);
  void turn_back(Packet& packet, int result);
  void finished(Packet& packet);
  void deliver();
  Effect perform_send(SendWork& work);
  Effect perform_read(ReadWork& work);
  Effect take_writes(SendWork& work);
  Effect take_iu(std::span<const std::byte> bytes);
  Iu& queue_iu(std::span<const std::byte> bytes);
  Effect refuse(ExposedMemory::Verdict verdict, const RemoteSegment& segment,
                const char* operation);

  /// `peer_reason`: what the peer is told; null: it knows already.
  void close(CloseReason reason, const CloseReason* peer_reason);
  void settle_later();
  void settle();

  Link& link_;
  runtime::Loop& loop_;
  const FaultPlan& plan_;
  ChannelParameters parameters_;
  Limits limits_;
  Random random_;
  bool slow_ = false;
  Port* peer_ = nullptr;
  Channel::Handler* handler_ = nullptr;
  ExposedMemory memory_;

  bool closed_ = false;
  bool leaving_ = false;   ///< closed, but what was posted may still take effect
  bool finished_ = false;  ///< on_closed was called
  CloseReason reason_;
  CloseReason told_;  ///< travels with closing_
  std::shared_ptr<Link> closing_link_;
  struct ClosingMail : runtime::Mail {
    using Mail::Mail;
    Port* from = nullptr;
  } closing_{on_closing_mail};
  struct Settle : runtime::Deferred {
    using Deferred::Deferred;
    Port* port = nullptr;
    std::shared_ptr<Link> link;
  } settle_{on_settle};

  std::deque<Packet> packets_;  ///< grows to the most ever under way, then no more
  Packet* free_packets_ = nullptr;
  std::uint32_t outstanding_ = 0;
  std::uint32_t reads_outstanding_ = 0;
  ReadWork* waiting_reads_ = nullptr;
  ReadWork** waiting_reads_tail_ = &waiting_reads_;
  SendWork* refused_sends_ = nullptr;  ///< posted after the end
  SendWork** refused_sends_tail_ = &refused_sends_;
  Lane sends_in_{*this, &Port::perform};
  Lane reads_in_{*this, &Port::perform};
  Lane sends_back_{*this, &Port::finished};
  Lane reads_back_{*this, &Port::finished};

  struct AlignedFree {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte[], AlignedFree> iu_memory_;
  std::vector<Iu> ius_;
  Iu* free_ius_ = nullptr;
  Iu* arrived_ius_ = nullptr;  ///< not yet delivered: start() was not called
  Iu** arrived_ius_tail_ = &arrived_ius_;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(runtime::Loop& initiator_loop, const ChannelParameters& initiator_parameters,
       runtime::Loop& responder_loop, const ChannelParameters& responder_parameters,
       std::uint64_t seed, const FaultPlan& plan);

  Port initiator;
  Port responder;
};

/// The user's end of a port.
class LocalChannel final : public Channel {
 public:
  LocalChannel(std::shared_ptr<Link> link, Port& port, const Port& peer)
      : link_(std::move(link)), port_(port), peer_address_(peer.address) {}
  ~LocalChannel() override { port_.abandon(); }

  void start(Handler& handler) override { port_.start(handler); }
  void release(Iu& iu) override { port_.release(iu); }
  void send(SendWork& work) override { port_.post_send(work); }
  void read(ReadWork& work) override { port_.post_read(work); }
  RemoteSegment expose(std::span<std::byte> memory, Access access) override {
    return port_.memory().expose(memory, access);
  }
  void withdraw(std::uint32_t key) override { port_.memory().withdraw(key); }
  void disconnect(std::string_view why, bool graceful) override { port_.disconnect(why, graceful); }
  const Limits& limits() const override { return port_.limits(); }
  const Address& peer() const override { return peer_address_; }
  const Address& local() const override { return port_.address; }
  runtime::Loop& loop() override { return port_.loop(); }
  std::string description() const override { return "local"; }

 private:
  std::shared_ptr<Link> link_;
  Port& port_;
  Address peer_address_;
};

}  // namespace srpd::transport
