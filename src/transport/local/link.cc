#include "transport/local/link.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace srpd::transport {
namespace {

// Where the payload behind an SRP_CMD usually starts: put on a page boundary, see Iu.
constexpr std::size_t payload_offset = 68;
constexpr std::size_t page = 4096;

// A position in a list of pieces of local memory.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> pieces) : pieces_(pieces) {}

  // Calls `copy(place, count)` for the next `length` bytes, piece by piece.
  template <class Copy>
  void advance(std::uint32_t length, Copy copy) {
    while (length > 0) {
      CHECK(index_ < pieces_.size());
      const iovec& piece = pieces_[index_];
      const auto count =
          static_cast<std::uint32_t>(std::min<std::size_t>(length, piece.iov_len - offset_));
      copy(static_cast<std::byte*>(piece.iov_base) + offset_, count);
      length -= count;
      offset_ += count;
      if (offset_ == piece.iov_len) {
        ++index_;
        offset_ = 0;
      }
    }
  }

 private:
  std::span<const iovec> pieces_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace

Lane::Lane(Port& port, Handle handle)
    : Timer([](Timer& self) { static_cast<Lane&>(self).expired(); }),
      port_(port),
      handle_(handle) {}

void Lane::push(Packet& packet, runtime::Time delay) {
  const runtime::Time now = port_.loop_.now();
  packet.due = last_due_ = std::max(last_due_, now + delay);
  packet.next = nullptr;
  if (head_ == nullptr && packet.due <= now) {
    (port_.*handle_)(packet);
    return;
  }
  if (head_ == nullptr) {
    head_ = &packet;
    port_.loop_.start_timer(*this, packet.due);
  } else {
    tail_->next = &packet;
  }
  tail_ = &packet;
}

Packet* Lane::pop() {
  Packet* const packet = head_;
  head_ = packet->next;
  return packet;
}

void Lane::expired() {
  const runtime::Time now = port_.loop_.now();
  while (head_ != nullptr && head_->due <= now) (port_.*handle_)(*pop());
  if (head_ != nullptr && !armed()) port_.loop_.start_timer(*this, head_->due);
}

void Lane::flush() {
  port_.loop_.cancel_timer(*this);
  last_due_ = runtime::Time{0};
  while (head_ != nullptr) (port_.*handle_)(*pop());
}

void Port::AlignedFree::operator()(std::byte* memory) const { std::free(memory); }

Port::Port(Link& link, runtime::Loop& loop, const ChannelParameters& parameters, std::uint64_t seed,
           const FaultPlan& plan)
    : link_(link), loop_(loop), plan_(plan), parameters_(parameters), random_(seed) {
  settle_.port = this;
  closing_.from = this;
  slow_ = random_.one_in(plan.slow_connection_one_in);
  const std::size_t lead = page - payload_offset;
  const std::size_t stride = (lead + parameters.max_receive_iu + page - 1) / page * page;
  iu_memory_.reset(
      static_cast<std::byte*>(std::aligned_alloc(page, stride * parameters.receive_count)));
  CHECK(iu_memory_ != nullptr || parameters.receive_count == 0);
  ius_.resize(parameters.receive_count);
  for (std::size_t i = ius_.size(); i-- > 0;) {
    ius_[i].data = iu_memory_.get() + i * stride + lead;
    ius_[i].next = free_ius_;
    free_ius_ = &ius_[i];
  }
}

Port::~Port() { CHECK(outstanding_ == 0); }

void Port::connect(Port& peer, std::uint32_t read_depth) {
  peer_ = &peer;
  limits_.max_receive_iu = parameters_.max_receive_iu;
  limits_.max_send_iu = std::min(parameters_.max_send_iu, peer.parameters_.max_receive_iu);
  limits_.read_depth = read_depth;
}

runtime::Time Port::delay() {
  if (closed_) return runtime::Time{0};
  if (slow_ || random_.one_in(plan_.slow_message_one_in)) return plan_.slow_delay;
  return plan_.ordinary_delay(random_);
}

// Posting.

Packet& Port::take_packet() {
  if (free_packets_ == nullptr) {
    free_packets_ = &packets_.emplace_back(on_mail);
    free_packets_->origin = this;
  }
  Packet& packet = *free_packets_;
  free_packets_ = packet.next;
  packet.returning = false;
  packet.send = nullptr;
  packet.read = nullptr;
  return packet;
}

void Port::launch(Packet& packet) {
  ++outstanding_;
  peer_->loop_.post(packet);
}

void Port::post_send(SendWork& work) {
  if (closed_) {
    work.next = nullptr;
    *refused_sends_tail_ = &work;
    refused_sends_tail_ = &work.next;
    settle_later();
    return;
  }
  Packet& packet = take_packet();
  packet.kind = Packet::Kind::send;
  packet.send = &work;
  launch(packet);
}

void Port::post_read(ReadWork& work) {
  if (!closed_ && limits_.read_depth == 0) return finish_unanswered(work);
  work.next = nullptr;
  *waiting_reads_tail_ = &work;
  waiting_reads_tail_ = &work.next;
  if (closed_) {
    settle_later();
  } else {
    launch_reads();
  }
}

// A peer that answers no RDMA Reads would let them wait for ever.
void Port::finish_unanswered(ReadWork& work) {
  Packet& packet = take_packet();
  packet.kind = Packet::Kind::read;
  packet.read = &work;
  ++reads_outstanding_;
  ++outstanding_;
  turn_back(packet, work.length == 0 ? 0 : -EIO);
}

void Port::launch_reads() {
  while (!closed_ && waiting_reads_ != nullptr && reads_outstanding_ < limits_.read_depth) {
    ReadWork& work = *waiting_reads_;
    waiting_reads_ = work.next;
    if (waiting_reads_ == nullptr) waiting_reads_tail_ = &waiting_reads_;
    Packet& packet = take_packet();
    packet.kind = Packet::Kind::read;
    packet.read = &work;
    ++reads_outstanding_;
    launch(packet);
  }
}

// A packet arrives: at the peer of its origin, or back at its origin.

void Port::on_mail(runtime::Mail& mail) {
  auto& packet = static_cast<Packet&>(mail);
  if (packet.returning) {
    Port& origin = *packet.origin;
    Lane& lane = packet.kind == Packet::Kind::read ? origin.reads_back_ : origin.sends_back_;
    lane.push(packet, origin.delay());
  } else {
    packet.origin->peer_->arrive(packet);
  }
}

void Port::arrive(Packet& packet) {
  if (closed_) {
    turn_back(packet, -ECONNRESET);
    return;
  }
  Lane& lane = packet.kind == Packet::Kind::read ? reads_in_ : sends_in_;
  lane.push(packet, delay());
}

void Port::turn_back(Packet& packet, int result) {
  packet.result = result;
  packet.returning = true;
  packet.origin->loop_.post(packet);
}

void Port::perform(Packet& packet) {
  static const CloseReason lost{CloseReason::Kind::peer_reset, "connection lost (injected fault)"};
  if (closed_) return turn_back(packet, -ECONNRESET);
  if (packet.kind == Packet::Kind::goodbye) {
    close({CloseReason::Kind::peer_closed, "closed by the peer"}, nullptr);
    return turn_back(packet, 0);
  }
  const bool drop = random_.one_in(plan_.drop_one_in);
  if (drop && random_.one_in(2)) {
    close(lost, &lost);
    return turn_back(packet, -ECONNRESET);
  }
  const bool read = packet.kind == Packet::Kind::read;
  const Effect effect = read ? perform_read(*packet.read) : take_writes(*packet.send);
  if (effect == Effect::refused) return turn_back(packet, -ECONNRESET);
  if (!read && !packet.send->iu.empty() && take_iu(packet.send->iu) == Effect::refused)
    return turn_back(packet, -ECONNRESET);
  turn_back(packet, 0);
  deliver();
  if (drop) close(lost, &lost);
}

Port::Effect Port::refuse(ExposedMemory::Verdict verdict, const RemoteSegment& segment,
                          const char* operation) {
  const std::string text =
      fmt::format("RDMA {} of {} bytes at {:#x} with key {:#x}: {}", operation, segment.length,
                  segment.address, segment.key, text_of(verdict));
  if (verdict == ExposedMemory::Verdict::withdrawn && plan_.on_violation) plan_.on_violation(text);
  const CloseReason told{CloseReason::Kind::peer_terminate, text};
  close({CloseReason::Kind::protocol_error, text}, &told);
  return Effect::refused;
}

Port::Effect Port::take_writes(SendWork& work) {
  Cursor from(work.local);
  std::uint32_t left = work.length;
  for (const RemoteSegment& remote : work.remote) {
    if (left == 0) break;
    RemoteSegment part = remote;
    part.length = std::min(left, remote.length);
    std::byte* place = nullptr;
    const auto verdict = memory_.check(part, Access::remote_write, &place);
    if (verdict != ExposedMemory::Verdict::fine) return refuse(verdict, part, "Write");
    from.advance(part.length, [&place](const std::byte* piece, std::uint32_t count) {
      std::memcpy(place, piece, count);
      place += count;
    });
    left -= part.length;
  }
  CHECK(left == 0);
  return Effect::done;
}

Port::Effect Port::perform_read(ReadWork& work) {
  Cursor to(work.local);
  std::uint64_t skip = work.remote_offset;
  std::uint32_t left = work.length;
  for (const RemoteSegment& remote : work.remote) {
    if (left == 0) break;
    if (skip >= remote.length) {
      skip -= remote.length;
      continue;
    }
    RemoteSegment part = remote;
    part.address += skip;
    part.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, remote.length - skip));
    skip = 0;
    std::byte* place = nullptr;
    const auto verdict = memory_.check(part, Access::remote_read, &place);
    if (verdict != ExposedMemory::Verdict::fine) return refuse(verdict, part, "Read");
    to.advance(part.length, [&place](std::byte* piece, std::uint32_t count) {
      std::memcpy(piece, place, count);
      place += count;
    });
    left -= part.length;
  }
  CHECK(left == 0);
  return Effect::done;
}

// As hardware has it: a Send needs a posted receive that is long enough, else the connection ends.
Port::Effect Port::take_iu(std::span<const std::byte> bytes) {
  const bool too_long = bytes.size() > parameters_.max_receive_iu;
  if (too_long || free_ius_ == nullptr) {
    const std::string text = too_long ? fmt::format("IU of {} bytes, longer than {}", bytes.size(),
                                                    parameters_.max_receive_iu)
                                      : "more IUs than receives were posted";
    const CloseReason told{CloseReason::Kind::peer_terminate, text};
    close({CloseReason::Kind::protocol_error, text}, &told);
    return Effect::refused;
  }
  Iu& iu = queue_iu(bytes);
  if (!plan_.tamper) return Effect::done;
  const unsigned copies = plan_.tamper({iu.data, iu.length});
  if (copies == 0) iu.length = 0;
  for (unsigned i = 1; i < copies && free_ius_ != nullptr; ++i) queue_iu(iu.bytes());
  return Effect::done;
}

Iu& Port::queue_iu(std::span<const std::byte> bytes) {
  Iu& iu = *free_ius_;
  free_ius_ = iu.next;
  iu.next = nullptr;
  iu.length = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(iu.data, bytes.data(), bytes.size());
  *arrived_ius_tail_ = &iu;
  arrived_ius_tail_ = &iu.next;
  return iu;
}

void Port::deliver() {
  while (handler_ != nullptr && !finished_ && arrived_ius_ != nullptr) {
    Iu& iu = *arrived_ius_;
    arrived_ius_ = iu.next;
    if (arrived_ius_ == nullptr) arrived_ius_tail_ = &arrived_ius_;
    iu.next = nullptr;
    if (iu.length == 0 && plan_.tamper) {
      release(iu);
      continue;
    }
    handler_->on_iu(iu);
  }
}

void Port::release(Iu& iu) {
  iu.next = free_ius_;
  free_ius_ = &iu;
}

void Port::finished(Packet& packet) {
  // As on a queue pair in error: what has not completed is flushed, done or not.
  const int result = closed_ && !leaving_ ? -ECONNRESET : packet.result;
  SendWork* const send = packet.send;
  ReadWork* const read = packet.read;
  packet.next = free_packets_;
  free_packets_ = &packet;
  --outstanding_;
  if (read != nullptr) {
    --reads_outstanding_;
    launch_reads();
    read->complete(result);
  } else if (send != nullptr) {
    send->complete(result);
  }
  if (closed_ && !finished_) settle_later();
}

// The end.

void Port::start(Channel::Handler& handler) {
  CHECK(handler_ == nullptr);
  handler_ = &handler;
  settle_later();
}

void Port::disconnect(std::string_view why, bool graceful) {
  if (closed_) return;
  if (graceful) {
    // Behind everything that was posted; the peer notices when it gets there.
    Packet& packet = take_packet();
    packet.kind = Packet::Kind::goodbye;
    launch(packet);
    leaving_ = true;
    close({CloseReason::Kind::local, std::string(why)}, nullptr);
  } else {
    const CloseReason told{CloseReason::Kind::peer_reset, "connection reset by the peer"};
    close({CloseReason::Kind::local, std::string(why)}, &told);
  }
}

void Port::abandon() {
  if (!closed_) disconnect("abandoned", false);
  settle();
  CHECK(outstanding_ == 0);
  handler_ = nullptr;
  finished_ = true;
}

void Port::close(CloseReason reason, const CloseReason* peer_reason) {
  if (closed_) return;
  closed_ = true;
  reason_ = std::move(reason);
  if (peer_reason != nullptr) {
    told_ = *peer_reason;
    closing_link_ = link_.shared_from_this();
    peer_->loop_.post(closing_);
  }
  settle_later();
}

void Port::on_closing_mail(runtime::Mail& mail) {
  Port& from = *static_cast<ClosingMail&>(mail).from;
  // May be the last reference to both ports, when the other channel is gone already.
  const std::shared_ptr<Link> link = std::move(from.closing_link_);
  from.peer_->close(from.told_, nullptr);
}

void Port::on_settle(runtime::Deferred& deferred) {
  Port& port = *static_cast<Settle&>(deferred).port;
  const std::shared_ptr<Link> link = std::move(port.settle_.link);
  port.settle();
}

// A deferred node cannot be taken back, so it keeps the link until it has run.
void Port::settle_later() {
  if (settle_.queued()) return;
  settle_.link = link_.shared_from_this();
  loop_.defer(settle_);
}

void Port::settle() {
  deliver();
  if (!closed_) return;
  for (Lane* lane : {&sends_in_, &reads_in_, &sends_back_, &reads_back_}) lane->flush();
  // What is completed here may post again.
  while (waiting_reads_ != nullptr || refused_sends_ != nullptr) {
    if (ReadWork* const read = waiting_reads_; read != nullptr) {
      waiting_reads_ = read->next;
      if (waiting_reads_ == nullptr) waiting_reads_tail_ = &waiting_reads_;
      read->complete(-ECONNRESET);
    }
    if (SendWork* const send = refused_sends_; send != nullptr) {
      refused_sends_ = send->next;
      if (refused_sends_ == nullptr) refused_sends_tail_ = &refused_sends_;
      send->complete(-ECONNRESET);
    }
  }
  if (outstanding_ == 0 && handler_ != nullptr && !finished_) {
    finished_ = true;
    handler_->on_closed(reason_);
  }
}

Link::Link(runtime::Loop& initiator_loop, const ChannelParameters& initiator_parameters,
           runtime::Loop& responder_loop, const ChannelParameters& responder_parameters,
           std::uint64_t seed, const FaultPlan& plan)
    : initiator(*this, initiator_loop, initiator_parameters, seed * 2 + 1, plan),
      responder(*this, responder_loop, responder_parameters, seed * 2 + 2, plan) {
  const auto depth = [](const ChannelParameters& self, const ChannelParameters& peer) {
    return std::min(self.outbound_reads, peer.inbound_reads);
  };
  initiator.connect(responder, depth(initiator_parameters, responder_parameters));
  responder.connect(initiator, depth(responder_parameters, initiator_parameters));
}

}  // namespace srpd::transport
