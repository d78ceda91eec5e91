// GET /metrics over HTTP/1.1, by libmicrohttpd in one thread of its own. Everything is bounded:
// what a request may hold, how many connections there are, how long one lasts, and what part of the
// time pages are made.
#pragma once

#include <microhttpd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"

namespace srpd::observe {

struct HttpOptions {
  /// More wait in the backlog of the socket.
  unsigned max_connections = 16;
  /// From accept to the last byte of the answer.
  std::chrono::milliseconds deadline{10'000};
  /// Request and headers.
  std::size_t max_request = 8192;
  /// A page is given out again until this many times the time that it took to make has passed, so
  /// that whoever asks on and on costs the loops little.
  unsigned rest = 9;
};

class HttpServer {
 public:
  /// Makes the page; on the server's thread, may wait.
  using Page = std::function<std::string()>;

  /// Takes over `listening`, a socket that listens and does not block. `name` is for messages.
  static Expected<std::unique_ptr<HttpServer>> start(int listening, const std::string& name,
                                                     Page page, const HttpOptions& options = {});
  /// As stop(), and waits.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Any thread; `done`, which may be empty, comes on the server's, when no page is being made and
  /// none will be. Once.
  void stop(std::function<void()> done);

 private:
  using Clock = std::chrono::steady_clock;

  HttpServer(Page page, const HttpOptions& options);
  void run();
  int wait_ms();
  void end_overdue();
  MHD_Result answer(MHD_Connection& connection, const std::string& method, const std::string& path);
  const std::string& current_page();
  void note(MHD_Connection& connection, MHD_ConnectionNotificationCode what);

  const Page page_;
  const HttpOptions options_;
  int stop_event_ = -1;
  MHD_Daemon* daemon_ = nullptr;
  // Of the thread.
  std::map<const MHD_Connection*, std::pair<int, Clock::time_point>> connections_;
  bool changed_ = false;  ///< since the last turn
  std::string text_;
  Clock::time_point fresh_until_{};

  std::atomic<bool> stopping_{false};
  std::function<void()> done_;
  std::thread thread_;
};

}  // namespace srpd::observe
