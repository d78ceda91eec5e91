// Everything the discovery service tells: the I/O unit with its controllers, and where to log in.
// Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "discovery/io_unit.h"
#include "discovery/text.h"
#include "transport/transport.h"
#include "wire/directory.h"

namespace srpd::directory {

using discovery::Gid;
using wire::directory::LoginForm;

/// Where logins arrive.
struct Listener {
  LoginForm form = LoginForm::rdma_cm;
  std::uint8_t slot = 0;  ///< of the only controller it leads to; 0: every one
  Gid address{};          ///< IPv6 or mapped IPv4, or a GID
  std::uint16_t port = 0;
  std::uint64_t service_id = 0;
  std::uint16_t pkey = 0xffff;
  std::string transport;  ///< at most 16 bytes
  std::string device;     ///< at most 64 bytes
  /// Of a link-local address: the interface of the machine that asks. Not told.
  std::string scope;

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct Listing {
  discovery::IoUnit unit;
  std::vector<Listener> listeners;  ///< at most 255; the preferred one first
  std::uint16_t lid = 0;            ///< of the InfiniBand port where it was found
  std::string node;                 ///< at most 64 bytes, as `software`
  std::string software;

  friend bool operator==(const Listing&, const Listing&) = default;
};

/// Where the discovery service of a target at `target_port` is, unless said otherwise: the next
/// port.
constexpr std::uint16_t discovery_port(std::uint16_t target_port) {
  return static_cast<std::uint16_t>(target_port == UINT16_MAX ? target_port - 1 : target_port + 1);
}

/// "192.0.2.1" or "2001:db8::1".
std::string ip_text(const Gid& address);
/// "192.0.2.1:5555", "[2001:db8::1]:5555" or "[fe80::1%eth0]:5555".
std::string address_text(const Listener& listener);

/// Gives link-local addresses the interface over which `asked` was reached; without one they mean
/// nothing, and go.
void set_scope(Listing& listing, const transport::Address& asked);

/// A login for ib_srp, and which listener it goes to.
struct LoginLine {
  std::string text;
  const Listener* listener = nullptr;
};
/// Every service at every listener that leads to it, by listener. Refers to the listing.
std::vector<LoginLine> login_lines(const Listing& listing);

/// The block of ibsrpdm. Where no InfiniBand is, the LID is 0 and the GID is the address.
std::string block(const Listing& listing);

}  // namespace srpd::directory
