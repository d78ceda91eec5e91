// The seam between the Device Management agent and the InfiniBand ports of this machine: libibumad
// behind it in the daemon, a fake in tests. An interface without data; one thread uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "discovery/io_unit.h"
#include "discovery/mad.h"
#include "discovery/text.h"

namespace srpd::dm {

/// An InfiniBand port as it is at this moment.
struct Port {
  std::string device;
  int number = 1;
  std::uint16_t lid = 0;
  std::uint16_t sm_lid = 0;
  discovery::Gid gid{};
  std::uint16_t pkey = 0xffff;
  std::uint32_t capability_mask = 0;

  /// "mlx4_0 port 1"
  std::string text() const { return device + " port " + std::to_string(number); }
};

/// PortInfo.CapabilityMask: hosts ask only ports with this bit (volume 1, 14.2.5.6).
inline constexpr std::uint32_t is_device_management_supported = 1u << 19;

/// An agent registered at one port.
class Link {
 public:
  virtual ~Link() = default;

  /// Readable when a MAD is there.
  virtual int fd() const = 0;
  enum class Received : std::uint8_t { mad, nothing, lost };
  /// The next MAD of the class, if there is one; lost: the port has gone.
  virtual Received receive(discovery::Mad& mad) = 0;
  /// To the sender of the MAD that was received last.
  virtual Expected<void> reply(const discovery::Mad& mad) = 0;
  /// Makes the subnet manager tell its subscribers that this port has news (trap 144).
  virtual Expected<void> announce(const Port& port) = 0;
};

class Fabric {
 public:
  virtual ~Fabric() = default;

  /// All there are now.
  virtual std::vector<Port> ports() = 0;
  /// Registers the agent; the error says why the kernel refuses it.
  virtual Expected<std::unique_ptr<Link>> open(const Port& port) = 0;
  /// What the adapter says about itself; zeros where it says nothing.
  virtual discovery::Hardware hardware(const std::string& device) = 0;
};

}  // namespace srpd::dm
