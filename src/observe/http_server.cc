#include "observe/http_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace srpd::observe {
namespace {

constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

MHD_Result send(MHD_Connection& connection, unsigned status, std::string_view text,
                const char* type, const char* allow = nullptr) {
  MHD_Response* const response = ::MHD_create_response_from_buffer(
      text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  ::MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  // One request for each connection: its deadline is that of the request.
  ::MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (allow != nullptr) ::MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
  const MHD_Result queued = ::MHD_queue_response(&connection, status, response);
  ::MHD_destroy_response(response);
  return queued;
}

}  // namespace

Expected<std::unique_ptr<HttpServer>> HttpServer::start(int listening, const std::string& name,
                                                        Page page, const HttpOptions& options) {
  std::unique_ptr<HttpServer> made(new HttpServer(std::move(page), options));
  made->stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  const MHD_AccessHandlerCallback on_request = [](void* self, MHD_Connection* connection,
                                                  const char* path, const char* method, const char*,
                                                  const char*, std::size_t*, void**) {
    return static_cast<HttpServer*>(self)->answer(*connection, method, path);
  };
  const MHD_NotifyConnectionCallback on_connection =
      [](void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
        static_cast<HttpServer*>(self)->note(*connection, what);
      };
  if (made->stop_event_ >= 0)
    made->daemon_ = ::MHD_start_daemon(
        MHD_USE_EPOLL, 0, nullptr, nullptr, on_request, made.get(), MHD_OPTION_LISTEN_SOCKET,
        listening, MHD_OPTION_CONNECTION_LIMIT, options.max_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options.max_request, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, made.get(), MHD_OPTION_END);
  if (made->daemon_ == nullptr) {
    const int number = errno;
    ::close(listening);
    return failure(name, "no metrics can be served there: " + errno_text(number));
  }
  made->thread_ = std::thread([&server = *made] { server.run(); });
  return made;
}

HttpServer::HttpServer(Page page, const HttpOptions& options)
    : page_(std::move(page)), options_(options) {}

HttpServer::~HttpServer() {
  if (thread_.joinable()) {
    stop({});
    thread_.join();
  }
  if (daemon_ != nullptr) ::MHD_stop_daemon(daemon_);
  if (stop_event_ >= 0) ::close(stop_event_);
}

void HttpServer::stop(std::function<void()> done) {
  if (stopping_.exchange(true)) return;
  done_ = std::move(done);
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_event_, &one, sizeof(one)));
}

void HttpServer::run() {
  const int events = ::MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  std::array<pollfd, 2> waited{{{stop_event_, POLLIN, 0}, {events, POLLIN, 0}}};
  for (;;) {
    if (::poll(waited.data(), waited.size(), wait_ms()) < 0 && errno != EINTR) break;
    if (waited[0].revents != 0) break;
    ::MHD_run(daemon_);
    end_overdue();
  }
  if (done_) done_();
}

int HttpServer::wait_ms() {
  // Whether there is room for one more is seen in the next turn.
  if (std::exchange(changed_, false)) return 0;
  MHD_UNSIGNED_LONG_LONG timeout = 0;
  const bool limited = ::MHD_get_timeout(daemon_, &timeout) == MHD_YES;
  if (connections_.empty()) return limited ? static_cast<int>(std::min(timeout, 1000ull)) : -1;
  // Once a second is often enough to look for those that are overdue.
  const auto most = std::min<std::int64_t>(options_.deadline.count(), 1000);
  return static_cast<int>(limited ? std::min<std::int64_t>(static_cast<std::int64_t>(timeout), most)
                                  : most);
}

// libmicrohttpd's own limit begins anew with every byte.
void HttpServer::end_overdue() {
  const auto now = Clock::now();
  for (const auto& [connection, entry] : connections_)
    if (now >= entry.second) ::shutdown(entry.first, SHUT_RDWR);
}

void HttpServer::note(MHD_Connection& connection, MHD_ConnectionNotificationCode what) {
  changed_ = true;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    connections_.erase(&connection);
    return;
  }
  const auto* const info =
      ::MHD_get_connection_info(&connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != nullptr)
    connections_[&connection] = {info->connect_fd, Clock::now() + options_.deadline};
}

MHD_Result HttpServer::answer(MHD_Connection& connection, const std::string& method,
                              const std::string& path) {
  constexpr const char* plain = "text/plain";
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
    return send(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is served\n", plain,
                "GET, HEAD");
  if (path != "/metrics")
    return send(connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n", plain);
  try {
    return send(connection, MHD_HTTP_OK, current_page(), content_type);
  } catch (const std::exception& error) {
    log::warning("metrics: {}", error.what());
    return send(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "no page could be made\n", plain);
  }
}

const std::string& HttpServer::current_page() {
  const auto begin = Clock::now();
  if (begin >= fresh_until_) {
    text_ = page_();
    const auto end = Clock::now();
    fresh_until_ = end + options_.rest * (end - begin);
  }
  return text_;
}

}  // namespace srpd::observe
