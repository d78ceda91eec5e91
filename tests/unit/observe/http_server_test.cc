// The responder against clients of all kinds, over TCP on loopback.
#include "observe/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace srpd::observe {
namespace {

using namespace std::chrono_literals;

class Http : public testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(fd, 64), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    address_ = address;
    auto started = HttpServer::start(fd, "test", [this] { return page(); }, options);
    ASSERT_TRUE(started.has_value());
    server_ = std::move(*started);
  }

  ~Http() override {
    server_.reset();
    for (const int fd : clients_) ::close(fd);
  }

  int connect() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address_), sizeof(address_)), 0);
    clients_.push_back(fd);
    return fd;
  }
  static void send(int fd, const std::string& text) {
    static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL));
  }
  /// Until the server closes.
  static std::string receive(int fd) {
    std::string all;
    char buffer[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd, buffer, sizeof(buffer), 0)) > 0)
      all.append(buffer, static_cast<std::size_t>(got));
    return all;
  }
  std::string ask(const std::string& request) {
    const int fd = connect();
    send(fd, request);
    return receive(fd);
  }
  std::string page() {
    ++pages_;
    return text_;
  }

  std::atomic<int> pages_{0};
  std::string text_ = "numbers 1\n";
  std::unique_ptr<HttpServer> server_;
  sockaddr_in address_{};
  std::vector<int> clients_;
};

constexpr const char* get = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(Http, AnswersWithThePage) {
  start();
  const std::string answer = ask(get);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nnumbers 1\n")) << answer;
}

TEST_F(Http, SendsLargePagesWhole) {
  text_.assign(std::size_t{8} << 20, 'x');
  start();
  EXPECT_TRUE(ask(get).ends_with("\r\n\r\n" + text_));
}

TEST_F(Http, RefusesWhatItDoesNotServe) {
  start();
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  const std::string post =
      ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
  EXPECT_NE(post.find("Allow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_TRUE(ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_FALSE(ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(pages_, 1);
}

TEST_F(Http, BoundsARequest) {
  start();
  const int fd = connect();
  send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + std::string(1 << 20, 'a') + "\r\n\r\n");
  EXPECT_FALSE(receive(fd).starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(pages_, 0);
}

// Every byte would begin a limit of idle time anew.
TEST_F(Http, EndsClientsThatTakeTheirTime) {
  start({.max_connections = 4, .deadline = 300ms});
  std::vector<int> slow;
  for (int i = 0; i < 4; ++i) slow.push_back(connect());
  const auto begin = std::chrono::steady_clock::now();
  for (bool ended = false; !ended;) {
    ended = true;
    for (const int fd : slow) {
      send(fd, "G");
      char byte = 0;
      const ssize_t got = ::recv(fd, &byte, 1, MSG_DONTWAIT);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ended = false;
    }
    pollfd pause{-1, 0, 0};
    ::poll(&pause, 1, 20);
    ASSERT_LT(std::chrono::steady_clock::now() - begin, 60s);
  }
  EXPECT_TRUE(ask(get).starts_with("HTTP/1.1 200 "));
}

TEST_F(Http, ServesOthersWhileSomeAreSlow) {
  text_.assign(std::size_t{8} << 20, 'x');
  start({.max_connections = 4});
  for (int i = 0; i < 3; ++i) send(connect(), get);  // never take their answer
  EXPECT_TRUE(ask(get).starts_with("HTTP/1.1 200 "));
}

TEST_F(Http, WhoAsksOnAndOnGetsTheLastPage) {
  start({.rest = 1'000'000'000});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask(get).ends_with("numbers 1\n"));
  EXPECT_EQ(pages_, 1);
}

TEST_F(Http, SaysWhenNothingIsAskedAnyMore) {
  start();
  ask(get);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  server_->stop([&] {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 60s, [&] { return done; }));
}

}  // namespace
}  // namespace srpd::observe
