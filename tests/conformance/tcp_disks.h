// The disks that tests reach over TCP.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "disks.h"
#include "support/tcp_device.h"

namespace srpd::test {

struct TcpKind {
  std::string name;  ///< begins with "tcp_"
  TcpOptions options;
};
inline std::ostream& operator<<(std::ostream& out, const TcpKind& kind) { return out << kind.name; }

/// Every way between our two ends.
std::vector<TcpKind> every_tcp_disk();

}  // namespace srpd::test
