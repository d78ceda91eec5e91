#include "transport/iwarp/listener.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "transport/iwarp/request.h"

namespace srpd::transport::iwarp {
namespace {

using namespace std::chrono_literals;

// Connections taken in one go; the rest waits for the next iteration.
constexpr int accept_batch = 64;
constexpr runtime::Time accept_pause = 200ms;

// What to do about it, for the log.
constexpr const char* check_client =
    "check what connects to this port, which takes SRP over iWARP only";
constexpr const char* check_stack = "check the host's iWARP driver or adapter";
constexpr const char* no_markers = "turn MPA markers off on the host's adapter";
constexpr const char* check_host = "check the host, or what else probes this port";

tl::unexpected<Error> listen_failure(const Address& address, int error_number) {
  const std::string object = "listen " + address.text();
  switch (error_number) {
    case EADDRINUSE:
      return failure(object, "address already in use",
                     "stop the other daemon or choose another port with --listen");
    case EADDRNOTAVAIL:
      return failure(object, "no interface has this address",
                     "choose an address of this machine with --listen");
    case EACCES:
      return failure(object, "permission denied",
                     "choose a port above 1023 with --listen or grant CAP_NET_BIND_SERVICE");
    case EAFNOSUPPORT:
      return failure(object, "this address family is not available here",
                     "choose an IPv4 or IPv6 address with --listen");
    default:
      return failure(object, errno_text(error_number));
  }
}

Expected<Socket> open_socket(const IwarpOptions& options, const Address& address) {
  const int family = address.storage.ss_family;
  Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return listen_failure(address, errno);
  const int on = 1;
  const int off = 0;
  static_cast<void>(::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  // One listener on [::] takes both families.
  if (family == AF_INET6)
    static_cast<void>(::setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
  // Of both families (ip(7), ipv6(7)).
  if (options.free_bind)
    static_cast<void>(::setsockopt(socket.fd(), IPPROTO_IP, IP_FREEBIND, &on, sizeof on));
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) !=
          0 ||
      ::listen(socket.fd(), options.backlog) != 0)
    return listen_failure(address, errno);
  return socket;
}

}  // namespace

// A connection whose MPA Request is not complete.
class IwarpListener::Pending final : public Linked<IwarpListener::Pending>, private runtime::Watch {
 public:
  Pending(IwarpListener& owner, Socket socket)
      : listener_(owner),
        socket_(std::move(socket)),
        deadline_(owner.loop_.now() + owner.shared_->options.request_timeout) {}
  ~Pending() { listener_.loop_.unwatch(*this); }

  bool begin() { return listener_.loop_.watch(*this, socket_.fd()) == 0; }
  runtime::Time deadline() const { return deadline_; }
  Address peer() const { return socket_.peer_address(); }

 private:
  void on_ready(std::uint32_t) override {
    while (true) {
      const ssize_t n =
          ::recv(socket_.fd(), buffer_.data() + have_, buffer_.size() - have_, MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) return end();  // gone without a word: nothing to report
      have_ += static_cast<std::size_t>(n);
      const auto check = check_frame(std::span(buffer_).first(have_), FrameKind::request);
      if (check.error != nullptr)
        return refuse(check.error, check.mpa ? check_stack : check_client);
      if (have_ < check.length) continue;
      if (have_ > check.length) return refuse("data behind the MPA Request", check_stack);
      return complete();
    }
  }

  void complete() {
    const auto frame = parse_frame(std::span(buffer_).first(have_));
    if (frame.error != nullptr) return refuse(frame.error, check_stack);
    if (const auto response = respond(frame.setup, {}); response.error != nullptr) {
      send_rejection(socket_, frame.setup, {});
      return refuse(response.error, no_markers);
    }
    IwarpListener& listener = listener_;
    listener.loop_.unwatch(*this);
    auto request = std::make_unique<IwarpRequest>(listener.shared_, std::move(socket_), frame.setup,
                                                  frame.private_data);
    listener.forget(*this);
    listener.handler_.on_request(std::move(request));
  }

  void refuse(std::string_view why, std::string_view remedy) {
    listener_.complain(*this, why, remedy);
    end();
  }

  // Destroys *this.
  void end() {
    socket_.shut_down();
    listener_.forget(*this);
  }

  IwarpListener& listener_;
  Socket socket_;
  const runtime::Time deadline_;
  std::size_t have_ = 0;
  FrameBuffer buffer_;
};

Expected<std::unique_ptr<Listener>> IwarpListener::open(std::shared_ptr<Shared> shared,
                                                        runtime::Loop& loop, const Address& address,
                                                        Handler& handler) {
  const int family = address.storage.ss_family;
  if (address.length == 0 || (family != AF_INET && family != AF_INET6))
    return failure("listen " + address.text(), "not an IP address",
                   "write HOST[:PORT] with an IPv4 or [IPv6] address");
  Socket socket(shared->options.take_socket ? shared->options.take_socket(address) : -1);
  const bool own = !socket;
  if (own) {
    auto opened = open_socket(shared->options, address);
    if (!opened) return tl::make_unexpected(opened.error());
    socket = std::move(*opened);
  }
  std::unique_ptr<IwarpListener> made(
      new IwarpListener(std::move(shared), loop, std::move(socket), own, handler));
  if (const int rc = loop.watch(*made, made->socket_.fd()); rc < 0)
    return listen_failure(address, -rc);
  return made;
}

IwarpListener::IwarpListener(std::shared_ptr<Shared> shared, runtime::Loop& loop, Socket socket,
                             bool own, Handler& handler)
    : shared_(std::move(shared)),
      loop_(loop),
      socket_(std::move(socket)),
      own_(own),
      handler_(handler),
      address_(socket_.local_address()) {}

IwarpListener::~IwarpListener() {
  loop_.unwatch(*this);
  loop_.cancel_timer(accept_again_);
  loop_.cancel_timer(deadline_);
  // The loop may hold the descriptor a little longer; nobody shall connect meanwhile. On a socket
  // that others have, too, this would end their listening: hosts wait there for the next process.
  if (own_) static_cast<void>(::shutdown(socket_.fd(), SHUT_RDWR));
  while (!pending_.empty()) forget(*pending_.front());
}

void IwarpListener::on_ready(std::uint32_t) {
  if (!accept_again_.armed()) accept_some();
}

void IwarpListener::accept_some() {
  for (int i = 0; i < accept_batch; ++i) {
    Socket socket(::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket));
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        return pause(errno);
      default:
        break;  // this connection is gone already (accept(2), error handling)
    }
  }
  loop_.start_timer(accept_again_, loop_.now());
}

void IwarpListener::pause(int error_number) {
  if (overload_.allow(loop_.now()))
    log::error(
        "listen {}: cannot accept: {}; raise the limit of open files (LimitNOFILE, ulimit -n)",
        address_.text(), errno_text(error_number));
  loop_.start_timer(accept_again_, loop_.now() + accept_pause);
}

void IwarpListener::admit(Socket socket) {
  socket.configure(shared_->options);
  if (pending_.size() >= shared_->options.max_unauthenticated) {
    if (overload_.allow(loop_.now()))
      log::warning("listen {}: more than {} connections without a login; dropping the oldest",
                   address_.text(), shared_->options.max_unauthenticated);
    forget(*pending_.front());
  }
  auto* const pending = new Pending(*this, std::move(socket));
  pending_.push_back(*pending);
  if (!pending->begin()) return forget(*pending);
  watch_deadlines();
}

void IwarpListener::watch_deadlines() {
  if (!pending_.empty() && !deadline_.armed())
    loop_.start_timer(deadline_, pending_.front()->deadline());
}

void IwarpListener::drop_expired() {
  while (!pending_.empty() && pending_.front()->deadline() <= loop_.now()) {
    complain(*pending_.front(), "no complete MPA Request in time", check_host);
    forget(*pending_.front());
  }
  watch_deadlines();
}

void IwarpListener::forget(Pending& pending) {
  pending_.remove(pending);
  delete &pending;
}

void IwarpListener::complain(const Pending& pending, std::string_view what,
                             std::string_view remedy) {
  if (!complaints_.allow(loop_.now())) return;
  const auto more = complaints_.suppressed();
  log::warning("{}: connection closed: {}; {}{}", pending.peer().text(), what, remedy,
               more > 0 ? fmt::format(" ({} more not shown)", more) : std::string());
}

}  // namespace srpd::transport::iwarp
