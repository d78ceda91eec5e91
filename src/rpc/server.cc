#include "rpc/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "rpc/protocol.h"
#include "rpc/unix_socket.h"

namespace srpd::rpc {
namespace {

constexpr std::size_t chunk = 65536;
/// A request that costs so much memory that they are worked on one after the other.
constexpr std::size_t large_line = std::size_t{1} << 20;
constexpr int retry_ms = 100;
constexpr std::chrono::seconds stop_send_timeout{1};

void set_send_timeout(int fd, std::chrono::seconds timeout) {
  timeval value{};
  value.tv_sec = timeout.count();
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void send_fault(int fd, Code code, std::string message) {
  send_all(fd, answer_of({code, std::move(message)}) + '\n');
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == line.npos; }

}  // namespace

struct Server::Connection {
  explicit Connection(int accepted) : fd(accepted) {}

  Descriptor fd;
  std::thread thread;
  // Under mutex_.
  bool busy = false;
  bool closing = false;
  bool ended = false;
  std::chrono::steady_clock::time_point idle_since = std::chrono::steady_clock::now();
};

Expected<std::unique_ptr<Server>> Server::start(Answer answer, const ServerOptions& options) {
  auto listening = options.passed >= 0 ? Expected<Descriptor>(Descriptor(options.passed))
                                       : listen_at(options.path, options.mode, options.group);
  if (!listening) return tl::unexpected(listening.error());
  Descriptor stop_event(::eventfd(0, EFD_CLOEXEC));
  if (stop_event.get() < 0) return failure(options.path, errno_text(errno));
  std::unique_ptr<Server> server(
      new Server(std::move(answer), options, std::move(*listening), std::move(stop_event)));
  server->acceptor_ = std::thread([&server = *server] { server.accept_all(); });
  return server;
}

Server::Server(Answer answer, ServerOptions options, Descriptor listening, Descriptor stop_event)
    : answer_(std::move(answer)),
      options_(std::move(options)),
      listening_(std::move(listening)),
      stop_event_(std::move(stop_event)) {}

Server::~Server() { stop(); }

void Server::stop() {
  if (!acceptor_.joinable()) return;
  if (options_.passed < 0) ::unlink(options_.path.c_str());
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_event_.get(), &one, sizeof(one)));
  acceptor_.join();
  // With it go those that nobody has accepted yet.
  listening_ = Descriptor();
  {
    const std::lock_guard lock(mutex_);
    // What is being worked on is still answered, if the client takes the answer.
    for (const auto& connection : connections_) {
      set_send_timeout(connection->fd.get(), stop_send_timeout);
      ::shutdown(connection->fd.get(), connection->busy ? SHUT_RD : SHUT_RDWR);
    }
  }
  for (const auto& connection : connections_) connection->thread.join();
  connections_.clear();
}

void Server::accept_all() {
  std::array<pollfd, 2> events{{{stop_event_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}}};
  for (;;) {
    if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
    if (events[0].revents != 0) return;
    if ((events[1].revents & POLLIN) == 0) continue;
    join_ended();
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      take(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // It stays in the queue until there is room.
      make_room();
      ::poll(events.data(), 1, retry_ms);
      if (events[0].revents != 0) return;
    }
  }
}

void Server::take(int fd) {
  auto connection = std::make_unique<Connection>(fd);
  set_send_timeout(fd, options_.send_timeout);
  std::size_t open = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : connections_) open += each->closing || each->ended ? 0 : 1;
  }
  if (open >= options_.max_connections && !make_room()) {
    send_fault(
        fd, Code::too_many,
        "all " + std::to_string(options_.max_connections) + " connections are working; try again");
    return;
  }
  const std::lock_guard lock(mutex_);
  Connection& taken = *connections_.emplace_back(std::move(connection));
  try {
    taken.thread = std::thread([this, &taken] { serve(taken); });
  } catch (const std::system_error& error) {
    log::warning("{}: a client was turned away: no thread can be made: {}", options_.path,
                 error.what());
    connections_.pop_back();
  }
}

/// Closes the connection that has been idle for longest; false where all work.
bool Server::make_room() {
  const std::lock_guard lock(mutex_);
  Connection* oldest = nullptr;
  for (const auto& each : connections_) {
    if (each->busy || each->closing || each->ended) continue;
    if (oldest == nullptr || each->idle_since < oldest->idle_since) oldest = each.get();
  }
  if (oldest == nullptr) return false;
  oldest->closing = true;
  ::shutdown(oldest->fd.get(), SHUT_RDWR);
  return true;
}

void Server::join_ended() {
  std::list<std::unique_ptr<Connection>> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto each = connections_.begin(); each != connections_.end();) {
      const auto next = std::next(each);
      if ((*each)->ended) ended.splice(ended.end(), connections_, each);
      each = next;
    }
  }
  for (const auto& connection : ended) connection->thread.join();
}

void Server::serve(Connection& connection) {
  try {
    serve_lines(connection);
  } catch (const std::exception& error) {
    log::warning("{}: a client was closed: {}", options_.path, error.what());
  }
  // The client learns now that this is the end, not when the next one comes.
  ::shutdown(connection.fd.get(), SHUT_RDWR);
  const std::lock_guard lock(mutex_);
  connection.ended = true;
}

void Server::serve_lines(Connection& connection) {
  std::string waiting;
  while (receive(connection, waiting)) {
    const std::size_t before = waiting.size();
    const bool more = answer_lines(connection, waiting);
    waiting_bytes_ -= before - waiting.size();
    if (!more) break;
    if (waiting.empty() && waiting.capacity() > large_line) waiting.shrink_to_fit();
  }
  waiting_bytes_ -= waiting.size();
}

/// Adds to `waiting`; false at the end of the stream, and where it becomes too much.
bool Server::receive(Connection& connection, std::string& waiting) {
  std::array<char, chunk> buffer;
  ssize_t got = 0;
  do {
    got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  const auto bytes = static_cast<std::size_t>(got);
  waiting.append(buffer.data(), bytes);
  const std::size_t all = waiting_bytes_ += bytes;
  const bool ends = std::string_view(buffer.data(), bytes).find('\n') != std::string_view::npos;
  if (ends || (waiting.size() <= options_.max_line && all <= options_.max_waiting_bytes))
    return true;
  send_fault(connection.fd.get(), Code::too_large,
             waiting.size() > options_.max_line
                 ? "a request of more than " + std::to_string(options_.max_line) + " bytes"
                 : "the requests of all clients together are too large; try again");
  return false;
}

/// Answers the lines that have ended and takes them out of `waiting`; false to close.
bool Server::answer_lines(Connection& connection, std::string& waiting) {
  std::size_t start = 0;
  std::size_t end = 0;
  while ((end = waiting.find('\n', start)) != std::string::npos) {
    const std::string_view line = std::string_view(waiting).substr(start, end - start);
    start = end + 1;
    if (is_blank(line)) continue;
    {
      const std::lock_guard lock(mutex_);
      if (connection.closing) return false;
      connection.busy = true;
    }
    std::unique_lock one_at_a_time(large_, std::defer_lock);
    if (line.size() > large_line) one_at_a_time.lock();
    const std::string answer = answer_(line);
    if (one_at_a_time) one_at_a_time.unlock();
    {
      // One that does not take its answer is as idle as one that does not ask.
      const std::lock_guard lock(mutex_);
      connection.busy = false;
      connection.idle_since = std::chrono::steady_clock::now();
    }
    const bool sent = answer.empty() || send_all(connection.fd.get(), answer + '\n');
    if (!sent) return false;
  }
  waiting.erase(0, start);
  return true;
}

}  // namespace srpd::rpc
