#include "srpd/listen.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.h"
#include "directory/address.h"
#include "srpd/interfaces.h"

namespace srpd::app {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 1500ms;
constexpr std::string_view passed_prefix = "fd:";

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

transport::Address address_of(const service::PassedSockets::Passed& socket) {
  transport::Address address;
  address.storage = socket.address;
  address.length = socket.length;
  return address;
}

/// TCP sockets that were passed under `name`, or under any.
std::vector<transport::Address> passed_addresses(const service::PassedSockets& sockets,
                                                 std::optional<std::string_view> name) {
  std::vector<transport::Address> addresses;
  for (const auto& socket : sockets.sockets())
    if (socket.tcp() && (!name || socket.name == *name)) addresses.push_back(address_of(socket));
  return addresses;
}

Expected<std::vector<transport::Address>> addresses_for(const std::string& text,
                                                        const service::PassedSockets& sockets) {
  if (text.starts_with(passed_prefix)) {
    auto passed = passed_addresses(sockets, text.substr(passed_prefix.size()));
    if (!passed.empty()) return passed;
    return failure("--listen " + text, "no TCP socket of this name was passed",
                   "start srpd by a socket unit with this FileDescriptorName=");
  }
  auto address = parse_listen(text);
  if (!address) return tl::make_unexpected(address.error());
  return std::vector{*address};
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

Expected<transport::Address> parse_listen(const std::string& text) {
  return transport::Address::parse(text, default_port);
}

Expected<WantedAddresses> wanted_addresses(const Options& options,
                                           const service::PassedSockets& sockets) {
  WantedAddresses wanted;
  if (options.listen.empty()) wanted.addresses = passed_addresses(sockets, std::nullopt);
  for (const std::string& text : options.listen) {
    const auto more = addresses_for(text, sockets);
    if (more) {
      wanted.addresses.insert(wanted.addresses.end(), more->begin(), more->end());
    } else if (options.manage && more.error().number == EAGAIN) {
      log::warning("listen {}: {}; waiting for it", text, more.error().cause);
      wanted.waiting.push_back({text, more.error()});
    } else {
      return tl::make_unexpected(more.error());
    }
  }
  return wanted;
}

Expected<transport::Address> listen_at(const transport::Address& address, target::Target& target,
                                       Transports& transports,
                                       const service::PassedSockets& sockets, bool again) {
  auto& transport = transports.for_address(address);
  const bool tcp = transport.name() == "iwarp";
  if (tcp && !again && !sockets.has(address.storage)) wait_until_free(address);
  auto listening = target.listen(transport, address);
  if (listening && tcp && !is_there(directory::gid_of(address)))
    log::warning("listen {}: no interface has this address yet; waiting for it", address.text());
  return listening;
}

}  // namespace srpd::app
