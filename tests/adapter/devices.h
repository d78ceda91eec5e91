// The RDMA device that tests run on.
#pragma once

#include <string>

#include "unit/transport/channel_suite.h"

namespace srpd::transport::test {

/// An IP address of this machine that belongs to an RDMA device: that of the variable
/// ADAPTER_ADDRESS, else the first there is. Empty when there is none.
std::string adapter_address(bool ipv6);

/// The IPv4 address of a second device for the initiator's end: that of the variable
/// ADAPTER_SOURCE. Empty: the device of adapter_address().
std::string adapter_source();

/// What a test says that finds none.
inline constexpr const char* no_adapter =
    "no RDMA device with such an IP address; see `rdma link`, or set ADAPTER_ADDRESS";

}  // namespace srpd::transport::test
