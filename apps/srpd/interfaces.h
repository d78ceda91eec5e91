// The IP addresses of this machine, as they are at the moment of asking.
#pragma once

#include <string>
#include <vector>

#include "discovery/text.h"

namespace srpd::app {

struct InterfaceAddress {
  std::string interface;
  int index = 0;
  discovery::Gid address{};  ///< IPv6 or mapped IPv4
  bool ipv4 = false;
  bool loopback = false;    ///< reaches nobody but this machine
  bool link_local = false;  ///< IPv6: means something on its link alone
};

/// Of the interfaces that are up.
std::vector<InterfaceAddress> interface_addresses();

/// 0.0.0.0 or [::].
bool takes_every_address(const discovery::Gid& address);
/// Whether something can arrive at `address`: an interface has it, or it is one of these two.
bool is_there(const discovery::Gid& address);

}  // namespace srpd::app
