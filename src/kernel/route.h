// Which way packets to an address go: the interface tells which RDMA device a login needs.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "kernel/login_string.h"

namespace srpd::kernel {

struct Route {
  std::string interface;  ///< which has the address below
  Gid source{};           ///< our address on the way; IPv4 as ::ffff:a.b.c.d
};

/// The kernel's answer for a numeric "IP:PORT" or "[IPv6]:PORT". Sends nothing.
Expected<Route> route_to(std::string_view destination);

}  // namespace srpd::kernel
