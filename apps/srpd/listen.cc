#include "srpd/listen.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "base/log.h"

namespace srpd::app {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 1500ms;

bool in_use(const transport::Address& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool taken =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 &&
      errno == EADDRINUSE;
  ::close(fd);
  return taken;
}

}  // namespace

// The kernel takes an io_uring apart after the death of its process, and the sockets in it keep
// their ports that long. A restart after a crash must not fail for it.
void wait_until_free(const transport::Address& address) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool told = false;
  while (in_use(address) && std::chrono::steady_clock::now() < deadline) {
    if (!told) log::info("{} is in use; waiting a moment for it", address.text());
    told = true;
    std::this_thread::sleep_for(10ms);
  }
}

Expected<std::vector<transport::Address>> listen_everywhere(const Options& options,
                                                            target::Target& target,
                                                            Transports& transports) {
  std::vector<std::string> wanted = options.listen;
  if (wanted.empty()) wanted.emplace_back("127.0.0.1");
  std::vector<transport::Address> bound;
  for (const std::string& text : wanted) {
    const auto address = transport::Address::parse(text, default_port);
    if (!address) return tl::make_unexpected(address.error());
    auto& transport = transports.for_address(*address);
    if (transport.name() == "iwarp") wait_until_free(*address);
    auto listening = target.listen(transport, *address);
    if (!listening) return tl::make_unexpected(listening.error());
    bound.push_back(*listening);
  }
  return bound;
}

}  // namespace srpd::app
