#include "transport/iwarp/channel.h"

#include <fmt/core.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace srpd::transport::iwarp {
namespace {

using namespace std::chrono_literals;

// Payload that is still to come is read straight to its place from here on; less is copied.
constexpr std::uint32_t direct_from = 2048;
constexpr std::uint32_t bulk_from = 16384;
constexpr std::uint8_t bulk_memory = 8;
// What one connection may read, or write, before others get their turn.
constexpr std::size_t receive_budget = 1u << 20;
constexpr std::size_t send_budget = 4u << 20;
// So much queued does not wait for the end of the iteration.
constexpr std::size_t send_at_once = 256 * 1024;
constexpr runtime::Time terminate_linger = 1s;
// Looks at the progress of reads in one read_timeout.
constexpr std::uint32_t read_looks = 2;

std::uint32_t read_ring_size(const IwarpChannel::Setup& setup) {
  // An RTR in the form of an RDMA Read is one more.
  return setup.agreement.outbound_reads + (setup.agreement.rtr == Rtr::read ? 1u : 0u);
}

}  // namespace

Receiver::Settings IwarpChannel::receiver_settings(const Setup& setup) {
  return {setup.agreement.crc, setup.parameters.max_receive_iu, setup.agreement.inbound_reads};
}

Transmitter::Settings IwarpChannel::transmitter_settings(const Setup& setup, const Socket& socket) {
  Transmitter::Settings out;
  out.crc = setup.agreement.crc;
  out.max_fpdu = setup.options.max_fpdu;
  if (setup.agreement.hardware_like) {
    // Adapters are built for FPDUs that start with a TCP segment and end in it (RFC 5044 5). A
    // multiple of four fills the segment to the end, so that the next one starts with the next.
    const std::uint32_t segment = socket.segment_size() & ~3u;
    if (segment >= 128 && segment < out.max_fpdu) {
      out.max_fpdu = segment;
      out.segment = segment;
    }
  }
  out.read_depth = setup.agreement.outbound_reads;
  out.rtr = setup.role == Role::initiator ? setup.agreement.rtr : Rtr::none;
  out.wait_for_peer = setup.role == Role::responder;
  return out;
}

IwarpChannel::IwarpChannel(runtime::Loop& loop, std::shared_ptr<LoopState> shared, Socket socket,
                           const Setup& setup)
    : ChannelBase(loop, socket.peer_address(), socket.local_address()),
      shared_(std::move(shared)),
      socket_(std::move(socket)),
      setup_(setup),
      sending_(transmitter_settings(setup, socket_)),
      outstanding_(read_ring_size(setup)),
      inbound_(setup.agreement.inbound_reads),
      receiver_(receiver_settings(setup), *this, stags_, outstanding_, inbound_),
      transmitter_(sending_, outstanding_, inbound_) {
  limits_.max_send_iu = setup.parameters.max_send_iu;
  limits_.max_receive_iu = setup.parameters.max_receive_iu;
  limits_.read_depth = setup.agreement.outbound_reads;
}

IwarpChannel::~IwarpChannel() {
  // Before start() it may be dropped at any time; afterwards on_closed comes first.
  CHECK(handler_ == nullptr || phase_ == Phase::closed);
  loop_.cancel_timer(read_watch_);
}

void IwarpChannel::start(Handler& handler) {
  take_handler(handler);
  if (phase_ != Phase::waiting) return;  // disconnected already
  phase_ = Phase::open;
  if (const int rc = loop_.watch(*this, socket_.fd()); rc < 0) socket_failed(-rc);
}

void IwarpChannel::send(SendWork& work) {
  if (phase_ > Phase::open) {
    finish(work, -ECONNRESET);
    defer_turn();
    return;
  }
  transmitter_.post(work);
  defer_turn();
  if (transmitter_.queued_bytes() >= send_at_once && !send_blocked_ && phase_ == Phase::open)
    flush();
}

void IwarpChannel::read(ReadWork& work) {
  defer_turn();
  if (phase_ > Phase::open) return finish(work, -ECONNRESET);
  if (transmitter_.post(work)) return watch_reads();
  done_reads_.push(work);
}

RemoteSegment IwarpChannel::expose(std::span<std::byte> memory, Access access) {
  return stags_.expose(memory, access);
}

void IwarpChannel::withdraw(std::uint32_t key) {
  if (!stags_.withdraw(key)) return;
  receiver_.memory_withdrawn(key);
  if (phase_ <= Phase::open && !transmitter_.memory_withdrawn(key)) {
    reset_ = true;
    fail(CloseReason::Kind::local, "memory was withdrawn while the peer was reading it");
  }
}

void IwarpChannel::release(Iu& iu) {
  CHECK(lent_ > 0);
  --lent_;
  IuPool::release(iu);
}

std::string IwarpChannel::description() const {
  return fmt::format("iwarp, MPA {}, {}FPDU {}", setup_.agreement.revision,
                     setup_.agreement.crc ? "CRC, " : "", sending_.max_fpdu);
}

// Receiving

Iu* IwarpChannel::take_iu(std::uint32_t length, bool whole) {
  if (lent_ >= setup_.parameters.receive_count) return nullptr;
  Iu* const iu = shared_->take_iu(whole ? length : setup_.parameters.max_receive_iu);
  if (iu != nullptr) ++lent_;
  return iu;
}

void IwarpChannel::deliver(Iu& iu) { handler_->on_iu(iu); }

void IwarpChannel::read_placed(const OutstandingRead& read) {
  defer_turn();  // a place for the next Read Request is free
  ++responses_;
  if (!read.last_of_work) return;
  ReadWork* const work = transmitter_.read_done();
  DCHECK(work == read.work);
  work->complete(0);
}

void IwarpChannel::read_requested(const InboundRead& request) {
  inbound_.push(request);
  defer_turn();
}

void IwarpChannel::first_fpdu_arrived() {
  transmitter_.open();
  defer_turn();
}

void IwarpChannel::on_ready(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) receive(hung_up_);
  if ((events & EPOLLOUT) != 0 && send_blocked_) {
    send_blocked_ = false;
    defer_turn();
  }
}

bool IwarpChannel::poll_receive() { return receive(false); }

void IwarpChannel::on_alarm() {
  if (phase_ == Phase::open) {
    receive(hung_up_);
    defer_turn();
    return;
  }
  if (phase_ != Phase::flushing && phase_ != Phase::draining) return;
  reset_ = phase_ == Phase::flushing;
  phase_ = Phase::ending;
  abandon();
  defer_turn();
}

// Reads until the socket is empty or the budget is spent; then goes on in the next iteration, since
// a readiness report comes only for what arrives later. A short read means empty, unless the end of
// the stream was reported, which only a read of 0 confirms.
//
// Works that have left (send() sends large amounts at once) complete before more is read: a fast
// peer reacts to them before this iteration of the loop ends, and several times.
bool IwarpChannel::receive(bool to_the_end) {
  if (phase_ == Phase::flushing || phase_ == Phase::draining) discard_received();
  if (phase_ != Phase::open) return false;
  std::size_t received = 0;
  while (true) {
    complete_done();
    if (phase_ != Phase::open) break;
    std::size_t asked = 0;
    const ssize_t n = receive_once(asked);
    if (n > 0) {
      received += static_cast<std::size_t>(n);
      if (phase_ != Phase::open) break;
      if (static_cast<std::size_t>(n) < asked && !to_the_end) break;
      if (received < receive_budget) continue;
      set_alarm({});
      break;
    }
    if (n == 0) {
      end_of_stream();
      break;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) socket_failed(errno);
    break;
  }
  if (received > 0 && phase_ == Phase::open) shared_->touch(*this);
  return received > 0;
}

// While large payloads come, little is read beyond the current one: what follows it in the staging
// buffer would have to be copied.
std::size_t IwarpChannel::staging_share(std::size_t direct_bytes) const {
  if (bulk_ == 0) return shared_->staging.size();
  return direct_bytes > 0 ? 256 : 4096;
}

ssize_t IwarpChannel::receive_once(std::size_t& asked) {
  iovec pieces[17];
  std::size_t count = 0;
  std::size_t direct = 0;
  if (receiver_.payload_left() >= direct_from) {
    count = receiver_.direct(std::span(pieces).first<16>());
    for (std::size_t i = 0; i < count; ++i) direct += pieces[i].iov_len;
    if (direct >= bulk_from) bulk_ = bulk_memory;
  }
  const std::size_t share = staging_share(direct);
  asked = direct + share;
  ssize_t n = 0;
  if (count == 0) {
    n = ::recv(socket_.fd(), shared_->staging.data(), share, MSG_DONTWAIT);
  } else {
    pieces[count++] = {shared_->staging.data(), share};
    n = ::readv(socket_.fd(), pieces, static_cast<int>(count));
  }
  if (n <= 0) return n;
  const auto got = static_cast<std::size_t>(n);
  if (direct > 0) receiver_.placed(std::min(got, direct));
  if (got > direct) {
    if (direct == 0 && got == share && bulk_ > 0) --bulk_;
    if (!receiver_.consume(std::span(shared_->staging).first(got - direct))) receiver_stopped();
  }
  return n;
}

void IwarpChannel::receiver_stopped() {
  if (phase_ != Phase::open) return;  // a callback ended the connection
  if (receiver_.peer_terminated())
    return fail(CloseReason::Kind::peer_terminate,
                describe_terminate(receiver_.terminate_control()).text.data());
  fail(CloseReason::Kind::protocol_error, receiver_.fault().text, &receiver_.fault());
}

void IwarpChannel::end_of_stream() { fail(CloseReason::Kind::peer_closed, "closed by the peer"); }

// After the end: only to see the peer's FIN, and to keep its data from turning our FIN into RST.
void IwarpChannel::discard_received() {
  for (std::size_t taken = 0; taken < receive_budget;) {
    const ssize_t n =
        ::recv(socket_.fd(), shared_->staging.data(), shared_->staging.size(), MSG_DONTWAIT);
    if (n > 0) {
      taken += static_cast<std::size_t>(n);
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    abandon();
    phase_ = Phase::ending;
    defer_turn();
    return;
  }
}

// Sending

ssize_t IwarpChannel::send_batch() {
  const auto pieces = shared_->batch.iov();
  // The end of a batch ends a segment where FPDUs are aligned with segments.
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (sending_.segment != 0 ? MSG_EOR : 0);
  if (pieces.size() == 1) return ::send(socket_.fd(), pieces[0].iov_base, pieces[0].iov_len, flags);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return ::sendmsg(socket_.fd(), &message, flags);
}

void IwarpChannel::flush() {
  Batch& batch = shared_->batch;
  std::size_t total = 0;
  while (!send_blocked_ && (phase_ == Phase::open || phase_ == Phase::flushing) &&
         transmitter_.build(batch)) {
    ssize_t n = 0;
    if (batch.bytes > 0) {
      n = send_batch();
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != EAGAIN) return socket_failed(errno);
    }
    const std::size_t taken = n < 0 ? 0 : static_cast<std::size_t>(n);
    transmitter_.sent(batch, taken, done_sends_);
    send_blocked_ = taken < batch.bytes;
    total += taken;
    if (total >= send_budget && !send_blocked_ && phase_ == Phase::open) {
      // Others first; the alarm brings us back.
      set_alarm({});
      return;
    }
  }
}

void IwarpChannel::take_turn() {
  if (handler_ == nullptr) return;
  flush();
  complete_done();
  if (phase_ == Phase::flushing && !send_blocked_ && !transmitter_.inside_fpdu() &&
      transmitter_.queued_bytes() == 0)
    drain();
  if (phase_ == Phase::ending) close();
}

// Ending

void IwarpChannel::disconnect(std::string_view why, bool graceful) {
  if (phase_ > Phase::open) {
    // A graceful end may be cut short.
    if (!graceful && (phase_ == Phase::flushing || phase_ == Phase::draining)) {
      reset_ = true;
      abandon();
      phase_ = Phase::ending;
      defer_turn();
    }
    return;
  }
  reason_ = {CloseReason::Kind::local, std::string(why)};
  receiver_.stop();
  const bool flushes = graceful && phase_ == Phase::open && transmitter_.is_open();
  if (flushes) {
    phase_ = Phase::flushing;
    transmitter_.abandon_reads(done_reads_);
    set_alarm(setup_.options.close_timeout);
  } else {
    reset_ = !graceful;
    phase_ = Phase::ending;
    abandon();
  }
  if (handler_ != nullptr) defer_turn();
}

void IwarpChannel::socket_failed(int error_number) {
  const char* const what =
      error_number == ETIMEDOUT ? "the peer does not answer any more: " : "connection lost: ";
  fail(CloseReason::Kind::peer_reset, what + errno_text(error_number));
}

void IwarpChannel::fail(CloseReason::Kind kind, std::string text, const Fault* fault) {
  if (phase_ > Phase::open) {
    // Already ending: what went wrong now only speeds it up.
    phase_ = Phase::ending;
  } else {
    reason_ = {kind, std::move(text)};
    receiver_.stop();
    const bool said = fault != nullptr && send_terminate(*fault);
    phase_ = Phase::ending;
    if (said) drain();
  }
  abandon();
  if (handler_ != nullptr) defer_turn();
}

bool IwarpChannel::send_terminate(const Fault& fault) {
  if (transmitter_.inside_fpdu() || send_blocked_) return false;
  std::array<std::byte, max_terminate> bytes;
  const std::size_t length = encode_terminate(fault, setup_.agreement.crc, bytes);
  return ::send(socket_.fd(), bytes.data(), length, MSG_DONTWAIT | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(length);
}

void IwarpChannel::watch_reads() {
  if (read_watch_.armed()) return;
  read_watch_.responses = responses_;
  read_watch_.left = 0;
  read_watch_.idle = 0;
  loop_.start_timer(read_watch_, loop_.now() + setup_.options.read_timeout / read_looks);
}

// TCP sees a peer that is gone or does not read; one that reads and never answers would hold our
// buffers for ever.
void IwarpChannel::check_reads() {
  if (phase_ != Phase::open || !transmitter_.has_reads()) return;
  const std::uint32_t left = outstanding_.empty() ? 0 : outstanding_.front().left;
  const bool stuck = !outstanding_.empty() && read_watch_.responses == responses_ &&
                     (read_watch_.idle == 0 || read_watch_.left == left);
  read_watch_.responses = responses_;
  read_watch_.left = left;
  read_watch_.idle = stuck ? read_watch_.idle + 1 : 0;
  if (read_watch_.idle > read_looks) {
    reset_ = true;
    return fail(CloseReason::Kind::peer_reset, "the peer does not answer RDMA Reads");
  }
  loop_.start_timer(read_watch_, loop_.now() + setup_.options.read_timeout / read_looks);
}

void IwarpChannel::abandon() {
  transmitter_.abandon_sends(done_sends_);
  transmitter_.abandon_reads(done_reads_);
}

void IwarpChannel::drain() {
  abandon();
  phase_ = Phase::draining;
  socket_.shut_down();
  set_alarm(terminate_linger);
  discard_received();
}

void IwarpChannel::close() {
  phase_ = Phase::closed;
  shared_->forget(*this);
  loop_.unwatch(*this);
  loop_.cancel_timer(read_watch_);
  if (reset_)
    socket_.set_abort();
  else
    socket_.shut_down();  // at once: the loop may hold the descriptor a little longer
  socket_ = Socket();
  if (Iu* const unfinished = receiver_.take_unfinished()) release(*unfinished);
  report_closed();
}

}  // namespace srpd::transport::iwarp
