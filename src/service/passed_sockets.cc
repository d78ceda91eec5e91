#include "service/passed_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace srpd::service {
namespace {

// Programs that this one starts are not to take them for theirs.
constexpr int out_of_the_environment = 1;

template <class T>
const T& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const T&>(storage);
}

/// Of IP addresses with ports; a unix socket is told by its name.
bool same(const sockaddr_storage& a, const sockaddr_storage& b) {
  if (a.ss_family != b.ss_family) return false;
  if (a.ss_family == AF_INET) {
    const auto &left = as<sockaddr_in>(a), &right = as<sockaddr_in>(b);
    return left.sin_port == right.sin_port && left.sin_addr.s_addr == right.sin_addr.s_addr;
  }
  if (a.ss_family != AF_INET6) return false;
  const auto &left = as<sockaddr_in6>(a), &right = as<sockaddr_in6>(b);
  return left.sin6_port == right.sin6_port && left.sin6_scope_id == right.sin6_scope_id &&
         std::memcmp(&left.sin6_addr, &right.sin6_addr, sizeof left.sin6_addr) == 0;
}

/// Of a Unix socket; empty: it has none.
std::string_view path_of(const PassedSockets::Passed& passed) {
  if (passed.address.ss_family != AF_UNIX) return {};
  const auto& unix_address = as<sockaddr_un>(passed.address);
  const auto most = passed.length - offsetof(sockaddr_un, sun_path);
  return {unix_address.sun_path, ::strnlen(unix_address.sun_path, most)};
}

bool listens_on_stream(int fd) {
  return ::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 &&
         (::sd_is_socket(fd, AF_INET, 0, 1) > 0 || ::sd_is_socket(fd, AF_INET6, 0, 1) > 0 ||
          ::sd_is_socket(fd, AF_UNIX, 0, 1) > 0);
}

/// Loops work on non-blocking descriptors.
bool prepare(PassedSockets::Passed& passed) {
  const int flags = ::fcntl(passed.fd, F_GETFL);
  passed.length = sizeof passed.address;
  return listens_on_stream(passed.fd) && flags >= 0 &&
         ::fcntl(passed.fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
         ::getsockname(passed.fd, reinterpret_cast<sockaddr*>(&passed.address), &passed.length) ==
             0;
}

/// An array of strings from malloc(3), ended by null.
class Names {
 public:
  ~Names() {
    for (char** name = names_; name != nullptr && *name != nullptr; ++name) std::free(*name);
    std::free(names_);
  }
  char*** receive() { return &names_; }
  const char* operator[](int index) const { return names_ == nullptr ? "" : names_[index]; }

 private:
  char** names_ = nullptr;
};

}  // namespace

PassedSockets PassedSockets::from_environment() {
  PassedSockets made;
  Names names;
  const int count = ::sd_listen_fds_with_names(out_of_the_environment, names.receive());
  if (count < 0)
    log::warning("socket activation: {}; check LISTEN_FDS and LISTEN_FDNAMES", errno_text(-count));
  for (int i = 0; i < count; ++i) {
    Passed passed;
    passed.fd = SD_LISTEN_FDS_START + i;
    passed.name = names[i];
    if (prepare(passed)) {
      made.sockets_.push_back(std::move(passed));
      continue;
    }
    log::warning(
        "passed socket {} ('{}') is not used: it does not listen on a stream; write ListenStream= "
        "and Accept=no in the socket unit",
        i, passed.name);
    ::close(passed.fd);
  }
  return made;
}

PassedSockets::PassedSockets(PassedSockets&& other) noexcept
    : sockets_(std::exchange(other.sockets_, {})) {}

PassedSockets& PassedSockets::operator=(PassedSockets&& other) noexcept {
  std::swap(sockets_, other.sockets_);
  return *this;
}

PassedSockets::~PassedSockets() {
  for (const Passed& passed : sockets_) ::close(passed.fd);
}

bool PassedSockets::has(const sockaddr_storage& address) const {
  return std::any_of(sockets_.begin(), sockets_.end(),
                     [&](const Passed& passed) { return same(passed.address, address); });
}

int PassedSockets::take(const sockaddr_storage& address) {
  return take_if([&](const Passed& passed) { return same(passed.address, address); });
}

int PassedSockets::take(std::string_view path) {
  return take_if([&](const Passed& passed) { return path_of(passed) == path; });
}

template <class Is>
int PassedSockets::take_if(Is is) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(), is);
  if (found == sockets_.end()) return -1;
  const int fd = found->fd;
  sockets_.erase(found);
  return fd;
}

}  // namespace srpd::service
