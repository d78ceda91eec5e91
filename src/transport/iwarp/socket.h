// TCP sockets as iWARP uses them.
#pragma once

#include <cstdint>
#include <utility>

#include "transport/iwarp/options.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

/// Owner of a file descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Sends FIN behind what is queued.
  void shut_down();
  /// Sends RST when it is closed.
  void set_abort();

  /// No Nagle, keep-alive, user time-out. Buffers are left to the kernel's tuning.
  void configure(const IwarpOptions& options);
  Address peer_address() const;
  Address local_address() const;
  /// TCP_MAXSEG, 0 when unknown.
  std::uint32_t segment_size() const;
  /// The pending SO_ERROR.
  int error() const;

 private:
  int fd_ = -1;
};

/// An IPv4 address for an IPv4-mapped one; others as they are.
Address unmapped(const Address& address);

}  // namespace srpd::transport::iwarp
