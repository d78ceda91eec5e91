#include "transport/iwarp/connector.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "transport/iwarp/channel.h"
#include "transport/iwarp/fault.h"

namespace srpd::transport::iwarp {

IwarpConnector::IwarpConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop,
                               const ConnectOptions& options, Handler& handler)
    : ConnectorBase(loop, options, handler),
      shared_(std::move(shared)),
      wishes_{shared_->options.crc, parameters_.inbound_reads, parameters_.outbound_reads},
      revision_(shared_->options.mpa_revision) {}

IwarpConnector::~IwarpConnector() { disengage(); }

void IwarpConnector::disengage() {
  phase_ = Phase::finished;
  cancel_deadline();
  loop_.unwatch(*this);
}

void IwarpConnector::timed_out() {
  fail(phase_ == Phase::connecting ? "timed out" : "no MPA Reply in time",
       phase_ == Phase::connecting ? "check the address, the route and firewalls"
                                   : "check that an SRP target over iWARP listens there");
}

void IwarpConnector::begin() {
  const int family = peer_.storage.ss_family;
  if (peer_.length == 0 || (family != AF_INET && family != AF_INET6))
    return fail("not an IP address", "write HOST[:PORT]");
  socket_ = Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return fail(errno_text(errno));
  socket_.configure(shared_->options);
  if (source_ && ::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&source_->storage),
                        source_->length) != 0)
    return fail("cannot use source address " + source_->text() + ": " + errno_text(errno));
  phase_ = Phase::connecting;
  have_ = 0;
  start_deadline();
  if (::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&peer_.storage), peer_.length) !=
          0 &&
      errno != EINPROGRESS)
    return lost(errno);
  if (const int rc = loop_.watch(*this, socket_.fd()); rc < 0) fail(errno_text(-rc));
}

void IwarpConnector::on_ready(std::uint32_t events) {
  if (phase_ == Phase::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    if (const int error_number = socket_.error(); error_number != 0) return lost(error_number);
    // Some events come before the handshake is over.
    if (socket_.peer_address().length == 0) return;
    connected();
    if (phase_ != Phase::replying) return;
  }
  receive_reply();
}

void IwarpConnector::connected() {
  request_ = make_request(revision_, wishes_, shared_->options.offer_rtr_write,
                          shared_->options.offer_rtr_read);
  FrameBuffer frame;
  const std::size_t length = encode_frame(FrameKind::request, request_, private_data_, frame);
  if (length == 0) return fail("private data too long for MPA");
  const ssize_t sent = ::send(socket_.fd(), frame.data(), length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return lost(errno);
  if (sent != static_cast<ssize_t>(length))
    return fail("the socket took a part of the MPA Request");
  phase_ = Phase::replying;
}

// Reads exactly the Reply: what follows, if anything, is for the channel.
void IwarpConnector::receive_reply() {
  while (true) {
    const auto check = check_frame(std::span(reply_).first(have_), FrameKind::reply);
    if (check.error != nullptr)
      return fail(check.error, "check that an SRP target over iWARP listens there");
    if (have_ == check.length) return reply_complete();
    const ssize_t n =
        ::recv(socket_.fd(), reply_.data() + have_, check.length - have_, MSG_DONTWAIT);
    if (n > 0) {
      have_ += static_cast<std::size_t>(n);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    return lost(n == 0 ? 0 : errno);
  }
}

void IwarpConnector::lost(int error_number) {
  if (phase_ == Phase::replying && error_number == ECONNRESET && have_ == 0 && revision_ > 1) {
    // Peers that know only revision 1 reset the connection on revision 2.
    revision_ = 1;
    disengage();
    return begin();
  }
  switch (error_number) {
    case 0:
      return fail("closed by the peer before its MPA Reply",
                  "see its log for the reason; check that an SRP target over iWARP listens there");
    case ECONNREFUSED:
      return fail("connection refused", "check that the daemon runs there and the port is right");
    case ETIMEDOUT:
      return fail("timed out", "check the address, the route and firewalls");
    case EHOSTUNREACH:
    case ENETUNREACH:
      return fail("no route to the host", "check the address and the route");
    default:
      return fail(errno_text(error_number));
  }
}

void IwarpConnector::reply_complete() {
  const auto frame = parse_frame(std::span(reply_).first(have_));
  if (frame.error != nullptr) return fail(frame.error);
  const Verdict verdict = evaluate(request_, frame.setup, wishes_);
  if (verdict.kind == Verdict::Kind::rejected) {
    disengage();
    socket_.shut_down();
    return handler_.on_rejected(frame.private_data);
  }
  if (verdict.kind == Verdict::Kind::failed) {
    Fault fault;
    fault.text = verdict.error;
    fault.code = verdict.code;
    std::array<std::byte, max_terminate> bytes;
    const std::size_t length = encode_terminate(fault, frame.setup.crc || request_.crc, bytes);
    static_cast<void>(::send(socket_.fd(), bytes.data(), length, MSG_DONTWAIT | MSG_NOSIGNAL));
    return fail(verdict.error);
  }
  disengage();
  auto channel = std::make_unique<IwarpChannel>(
      loop_, shared_->loops.of(loop_), std::move(socket_),
      IwarpChannel::Setup{IwarpChannel::Role::initiator, verdict.agreement, parameters_,
                          shared_->options});
  handler_.on_connected(std::move(channel), frame.private_data);
}

// The last statement of whoever calls it: the handler may destroy *this.
void IwarpConnector::fail(std::string cause, std::string remedy) {
  disengage();
  if (socket_) socket_.shut_down();
  report_failure(std::move(cause), std::move(remedy));
}

}  // namespace srpd::transport::iwarp
