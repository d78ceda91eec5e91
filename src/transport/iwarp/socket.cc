#include "transport/iwarp/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace srpd::transport::iwarp {
namespace {

void set(int fd, int level, int name, int value) {
  // None of them can fail on a TCP socket in a way that anything could be done about.
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

void Socket::shut_down() { static_cast<void>(::shutdown(fd_, SHUT_WR)); }

void Socket::set_abort() {
  const linger abort{1, 0};
  static_cast<void>(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort));
}

void Socket::configure(const IwarpOptions& options) {
  set(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd_, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd_, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.keepalive_idle.count()));
  set(fd_, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(options.keepalive_interval.count()));
  set(fd_, IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_count);
  set(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.user_timeout.count()));
}

Address Socket::peer_address() const {
  Address out;
  out.length = sizeof out.storage;
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&out.storage), &out.length) != 0)
    out.length = 0;
  return unmapped(out);
}

Address Socket::local_address() const {
  Address out;
  out.length = sizeof out.storage;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&out.storage), &out.length) != 0)
    out.length = 0;
  return unmapped(out);
}

std::uint32_t Socket::segment_size() const {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &value, &length) != 0 || value < 0) return 0;
  return static_cast<std::uint32_t>(value);
}

int Socket::error() const {
  int value = 0;
  socklen_t length = sizeof value;
  static_cast<void>(::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &value, &length));
  return value;
}

Address unmapped(const Address& address) {
  if (address.storage.ss_family != AF_INET6) return address;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
  if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return address;
  Address out;
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port;
  std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
  out.length = sizeof v4;
  return out;
}

}  // namespace srpd::transport::iwarp
