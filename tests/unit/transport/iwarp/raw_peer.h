// A peer made of a bare TCP socket: it says whatever a test wants, in bytes.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <utility>

#include "support/hex.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

class RawPeer {
 public:
  explicit RawPeer(int fd) : fd_(fd) {}
  explicit RawPeer(const Address& to) : fd_(::socket(to.storage.ss_family, SOCK_STREAM, 0)) {
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.length), 0);
  }
  RawPeer(RawPeer&& other) noexcept
      : received(std::move(other.received)),
        end(other.end),
        error(other.error),
        fd_(std::exchange(other.fd_, -1)) {}
  ~RawPeer() { close(); }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void send(std::span<const std::byte> bytes) {
    EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void send_hex(std::string_view text) { send(test::hex(text)); }

  /// Takes what has arrived; true at the end of the stream (`error`: how it ended).
  bool take() {
    char buffer[65536];
    while (!end) {
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        received += test::to_hex(std::as_bytes(std::span(buffer, static_cast<std::size_t>(n))));
        continue;
      }
      if (n < 0 && errno == EAGAIN) return false;
      error = n == 0 ? 0 : errno;
      end = true;
    }
    return true;
  }
  bool has(std::size_t bytes) {
    take();
    return received.size() >= 2 * bytes;
  }

  std::string received;  ///< hex
  bool end = false;
  int error = 0;

  int fd() const { return fd_; }

 private:
  int fd_;
};

inline constexpr const char* request_key = "4d504120494420526571204672616d65";
inline constexpr const char* reply_key = "4d504120494420526570204672616d65";

/// A listening socket on loopback that accepts by hand.
class RawServer {
 public:
  RawServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.length = sizeof v4;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&v4), address.length), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&v4), &address.length);
  }
  ~RawServer() { ::close(fd_); }
  /// -1 when nobody waits.
  int accept() { return ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK); }

  Address address;

 private:
  int fd_;
};

}  // namespace srpd::transport::iwarp
