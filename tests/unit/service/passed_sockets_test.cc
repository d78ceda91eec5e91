// Sockets are passed as descriptors from 3 on, so each case is a process of its own.
#include "service/passed_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

namespace srpd::service {
namespace {

sockaddr_storage address_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return address;
}

/// Listens on loopback, at a port of the kernel's choice.
int listening(int family = AF_INET) {
  const int fd = ::socket(family, SOCK_STREAM, 0);
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET)
    reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const socklen_t length = family == AF_UNIX ? sizeof address.ss_family : sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(fd, 8), 0);
  return fd;
}

/// Whether `check` holds in a process to which `fds` were passed under `names`.
bool in_activated(const std::vector<int>& fds, const char* names,
                  const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Out of the way first.
    std::vector<int> high;
    for (const int fd : fds) high.push_back(::fcntl(fd, F_DUPFD, 100));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_FDS", std::to_string(fds.size()).c_str(), 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names, 1);
    ::_exit(check() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(PassedSockets, AreNoneWithoutActivation) {
  EXPECT_TRUE(PassedSockets::from_environment().sockets().empty());
}

TEST(PassedSockets, AreFoundByNameAndTakenByAddress) {
  const int one = listening(), two = listening();
  EXPECT_TRUE(in_activated({one, two}, "first:second", [&] {
    auto sockets = PassedSockets::from_environment();
    if (sockets.sockets().size() != 2 || sockets.sockets()[0].name != "first" ||
        sockets.sockets()[1].name != "second" || !sockets.sockets()[1].tcp())
      return false;
    const auto address = address_of(two);
    if (!sockets.has(address) || sockets.take(address) != 4) return false;
    const bool non_blocking = (::fcntl(4, F_GETFL) & O_NONBLOCK) != 0;
    return non_blocking && !sockets.has(address) && sockets.take(address) == -1 &&
           sockets.sockets().size() == 1;
  }));
  ::close(one);
  ::close(two);
}

TEST(PassedSockets, AreNotThoseOfAnotherProcess) {
  const int fd = listening();
  EXPECT_TRUE(in_activated({fd}, "", [] {
    ::setenv("LISTEN_PID", "1", 1);
    return PassedSockets::from_environment().sockets().empty();
  }));
  ::close(fd);
}

TEST(PassedSockets, LeaveTheEnvironment) {
  const int fd = listening();
  EXPECT_TRUE(in_activated({fd}, "x", [] {
    const auto sockets = PassedSockets::from_environment();
    return std::getenv("LISTEN_FDS") == nullptr && std::getenv("LISTEN_FDNAMES") == nullptr;
  }));
  ::close(fd);
}

TEST(PassedSockets, ThatNobodyTookAreClosed) {
  const int fd = listening();
  EXPECT_TRUE(in_activated({fd}, "x", [] {
    {
      const auto sockets = PassedSockets::from_environment();
    }
    return !is_open(3);
  }));
  ::close(fd);
}

TEST(PassedSockets, MustListenOnAStream) {
  const int datagram = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int good = listening();
  EXPECT_TRUE(in_activated({datagram, silent, file, good}, "a:b:c:d", [] {
    const auto sockets = PassedSockets::from_environment();
    return sockets.sockets().size() == 1 && sockets.sockets()[0].name == "d" && !is_open(3) &&
           !is_open(4) && !is_open(5);
  }));
  for (const int fd : {datagram, silent, file, good}) ::close(fd);
}

TEST(PassedSockets, OfUnixAreNotTcp) {
  const int fd = listening(AF_UNIX);
  EXPECT_TRUE(in_activated({fd}, "control", [&] {
    auto sockets = PassedSockets::from_environment();
    return sockets.sockets().size() == 1 && !sockets.sockets()[0].tcp() &&
           !sockets.has(address_of(3));
  }));
  ::close(fd);
}

}  // namespace
}  // namespace srpd::service
