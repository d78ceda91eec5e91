// The floors of bench/compare: what TCP alone does with the same message sizes, with one blocking
// thread at each end and nothing in between.
//
//   floor serve PORT
//   floor exchange PORT REQUEST_BYTES REPLY_BYTES DEPTH SECONDS   ping-pong, DEPTH under way
//   floor download|upload PORT BYTES 0 0 SECONDS                  one way, BYTES per write
//
// The client prints one JSON line. For a stream, the receiver counts.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "samples.h"

namespace {

using bench::Clock;

enum class Mode : std::uint32_t { exchange, download, upload };

/// First bytes of a connection; both ends are the same program on the same machine.
struct Order {
  Mode mode;
  std::uint32_t request, reply, depth;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// False when the peer has closed.
bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

/// Answers all complete requests of one receive with one send.
void serve_exchange(int fd, const Order& order) {
  std::vector<char> in(std::size_t{256} << 10);
  std::vector<char> replies(std::size_t{order.reply} * order.depth, 'r');
  std::size_t pending = 0;
  for (;;) {
    const ssize_t n = recv(fd, in.data(), in.size(), 0);
    if (n <= 0) return;
    pending += static_cast<std::size_t>(n);
    const std::size_t complete = pending / order.request;
    pending %= order.request;
    if (!send_all(fd, replies.data(), complete * order.reply)) return;
  }
}

void serve_download(int fd, const Order& order) {
  const std::vector<char> data(order.request, 'd');
  while (send_all(fd, data.data(), data.size())) {
  }
}

/// Tells the sender the total when it has shut down its side.
void serve_upload(int fd, const Order& order) {
  std::vector<char> data(order.request);
  std::uint64_t total = 0;
  for (ssize_t n; (n = recv(fd, data.data(), data.size(), 0)) > 0;)
    total += static_cast<std::uint64_t>(n);
  send_all(fd, reinterpret_cast<const char*>(&total), sizeof total);
}

int serve(const char* port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(listener, 8) != 0) die("listen");
  for (;;) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) die("accept");
    no_delay(fd);
    Order order{};
    if (recv(fd, &order, sizeof order, MSG_WAITALL) == sizeof order) {
      if (order.mode == Mode::exchange) serve_exchange(fd, order);
      if (order.mode == Mode::download) serve_download(fd, order);
      if (order.mode == Mode::upload) serve_upload(fd, order);
    }
    close(fd);
  }
}

void run_exchange(int fd, const Order& order, double seconds) {
  bench::Samples samples;
  const std::vector<char> requests(std::size_t{order.request} * order.depth, 'q');
  std::vector<char> in(std::size_t{256} << 10);
  std::deque<Clock::time_point> started(order.depth, Clock::now());
  const auto start = Clock::now();
  if (!send_all(fd, requests.data(), requests.size())) die("send");
  std::size_t pending = 0;
  while (bench::seconds_since(start) < seconds) {
    const ssize_t n = recv(fd, in.data(), in.size(), 0);
    if (n <= 0) die("recv");
    pending += static_cast<std::size_t>(n);
    const std::size_t complete = pending / order.reply;
    pending %= order.reply;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < complete; ++i) {
      samples.add(now - started.front());
      started.pop_front();
      started.push_back(now);
    }
    if (!send_all(fd, requests.data(), complete * order.request)) die("send");
  }
  samples.print(samples.count() * 4096, bench::seconds_since(start));
}

void print_stream(std::uint64_t bytes, std::uint32_t message, double seconds) {
  const double rate = static_cast<double>(bytes) / seconds;
  std::printf("{\"iops\": %.1f, \"bytes_per_s\": %.0f}\n", rate / message, rate);
}

void run_download(int fd, const Order& order, double seconds) {
  std::vector<char> data(order.request);
  std::uint64_t total = 0;
  const auto start = Clock::now();
  while (bench::seconds_since(start) < seconds) {
    const ssize_t n = recv(fd, data.data(), data.size(), 0);
    if (n <= 0) die("recv");
    total += static_cast<std::uint64_t>(n);
  }
  print_stream(total, order.request, bench::seconds_since(start));
}

void run_upload(int fd, const Order& order, double seconds) {
  const std::vector<char> data(order.request, 'u');
  const auto start = Clock::now();
  while (bench::seconds_since(start) < seconds)
    if (!send_all(fd, data.data(), data.size())) die("send");
  shutdown(fd, SHUT_WR);
  std::uint64_t total = 0;
  if (recv(fd, &total, sizeof total, MSG_WAITALL) != sizeof total) die("recv");
  print_stream(total, order.request, bench::seconds_since(start));
}

int run(const std::string& mode, char** argv) {
  const auto number = [argv](int i) { return static_cast<std::uint32_t>(std::atoi(argv[i])); };
  Order order{Mode::exchange, number(3), number(4), number(5)};
  if (mode == "download") order.mode = Mode::download;
  if (mode == "upload") order.mode = Mode::upload;
  const double seconds = std::atof(argv[6]);

  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(argv[2]);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
  no_delay(fd);
  send_all(fd, reinterpret_cast<const char*>(&order), sizeof order);
  if (order.mode == Mode::exchange) run_exchange(fd, order, seconds);
  if (order.mode == Mode::download) run_download(fd, order, seconds);
  if (order.mode == Mode::upload) run_upload(fd, order, seconds);
  close(fd);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc == 3) return serve(argv[2]);
  if ((mode == "exchange" || mode == "download" || mode == "upload") && argc == 7)
    return run(mode, argv);
  std::fprintf(stderr,
               "usage: floor serve PORT\n"
               "       floor exchange PORT REQUEST_BYTES REPLY_BYTES DEPTH SECONDS\n"
               "       floor download|upload PORT BYTES 0 0 SECONDS\n");
  return 2;
}
