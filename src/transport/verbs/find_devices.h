// Where the RDMA devices of this machine might be, for a listener on all of them: an identifier has
// to be bound to an address of a device to get to it.
#pragma once

#include <string>
#include <vector>

#include "transport/transport.h"

namespace srpd::transport::verbs {

struct Surroundings {
  /// With port 0. Not every one belongs to an RDMA device.
  std::vector<Address> addresses;
  /// Differs when a device or an address has come or gone since.
  std::string summary;
};

/// For a listener of this address family. AF_IB: the GIDs of the InfiniBand ports; else the IP
/// addresses of all interfaces but the loopback.
Surroundings find_devices(int family);

/// The first GID of each InfiniBand port. `devices`: /sys/class/infiniband, or what looks like it.
std::vector<Address> infiniband_addresses(const std::string& devices);

}  // namespace srpd::transport::verbs
