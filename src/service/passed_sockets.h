// Socket activation: listening sockets that whoever started this process has opened for it
// (sd_listen_fds(3)). They stay open over a restart, so that hosts wait instead of being refused,
// and may have addresses or ports that this process has no right to open.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

namespace srpd::service {

class PassedSockets {
 public:
  struct Passed {
    int fd = -1;
    std::string name;  ///< FileDescriptorName= of the unit
    sockaddr_storage address{};
    socklen_t length = 0;

    bool tcp() const { return address.ss_family == AF_INET || address.ss_family == AF_INET6; }
  };

  /// Those of LISTEN_FDS, taken out of the environment. What does not listen on a stream is closed,
  /// with a warning.
  static PassedSockets from_environment();
  PassedSockets() = default;
  PassedSockets(PassedSockets&& other) noexcept;
  PassedSockets& operator=(PassedSockets&& other) noexcept;
  /// Closes those that nobody took.
  ~PassedSockets();

  /// Those not taken yet, in the order in which they were passed.
  const std::vector<Passed>& sockets() const { return sockets_; }
  bool has(const sockaddr_storage& address) const;
  /// The descriptor, non-blocking, now the caller's; -1 when there is none at this address. Nobody
  /// may shutdown(2) it: the one who passed it goes on listening.
  int take(const sockaddr_storage& address);
  /// The same of a Unix socket, by its path.
  int take(std::string_view path);

 private:
  template <class Is>
  int take_if(Is is);

  std::vector<Passed> sockets_;
};

}  // namespace srpd::service
