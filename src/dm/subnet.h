// The asking side on InfiniBand: finds the ports of a subnet that answer Device Management, through
// the subnet administrator, and asks each for its I/O unit, as ibsrpdm does. Blocks.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "discovery/io_unit.h"
#include "dm/subnet_query.h"

namespace srpd::dm {

struct SubnetUnit {
  std::string through;  ///< our port: "mlx4_0:1"
  RemotePort port;
  std::uint16_t pkey = 0xffff;
  discovery::IoUnit unit;
};

struct SubnetFindings {
  std::vector<SubnetUnit> units;
  std::vector<Error> problems;
};

/// From every InfiniBand port of this machine that is in a subnet; nothing where there is none.
/// `patience`: for each answer.
SubnetFindings search_subnets(std::chrono::milliseconds patience);

}  // namespace srpd::dm
