// The seam between our own connection manager and the InfiniBand ports of this machine: libibumad
// behind it in the daemon, a fake in tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "ibcm/manager.h"

namespace srpd::transport::verbs {

/// An InfiniBand port. A device that was removed and is back is another one.
struct PortName {
  std::string device;
  int number = 1;
  std::uint64_t instance = 0;

  auto operator<=>(const PortName&) const = default;
  /// "mlx4_0 port 1"
  std::string text() const { return device + " port " + std::to_string(number); }
};

/// The connection manager's agent at one port.
class MadPort {
 public:
  virtual ~MadPort() = default;

  /// Readable when a MAD is there, or the port has gone; non-blocking.
  virtual int fd() const = 0;
  enum class Received : std::uint8_t { mad, nothing, lost };
  virtual Received receive(ibcm::Mad& mad, ibcm::ReturnAddress& from) = 0;
  /// It may be lost on the way as well.
  virtual void send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) = 0;
};

class MadPorts {
 public:
  virtual ~MadPorts() = default;

  /// Those there are now.
  virtual std::vector<PortName> all() = 0;
  /// The error says who has the port.
  virtual Expected<std::unique_ptr<MadPort>> open(const PortName& port) = 0;
};

std::unique_ptr<MadPorts> make_umad_ports();

/// The InfiniBand ports below `devices`, which is /sys/class/infiniband or looks like it.
std::vector<PortName> infiniband_ports(const std::string& devices);

}  // namespace srpd::transport::verbs
