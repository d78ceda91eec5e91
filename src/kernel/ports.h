// The RDMA ports that ib_srp can log in through, and which of them leads to a target.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/files.h"
#include "kernel/login_string.h"
#include "kernel/route.h"

namespace srpd::kernel {

struct Port {
  std::string name;  ///< ib_srp's: srp-DEVICE-NUMBER
  std::string device;
  std::string number;
  bool infiniband = false;  ///< its link layer
  bool active = false;
  std::vector<Gid> gids;
  std::vector<std::string> interfaces;  ///< of the entries of the GID table, where it says them

  std::string add_target() const { return "/sys/class/infiniband_srp/" + name + "/add_target"; }
};

/// Those ib_srp serves; an error where there are none, with what is missing.
Expected<std::vector<Port>> srp_ports(const Files& files);

using RouteTo = std::function<Expected<Route>(std::string_view destination)>;

/// The port for this login. `device`: "DEVICE" or "DEVICE:PORT" where somebody has chosen, else
/// empty.
Expected<Port> port_for(const Files& files, const LoginString& login, const std::string& device,
                        const RouteTo& route_to);

}  // namespace srpd::kernel
