// What a host finds out before it logs in: the I/O unit of InfiniBand's Device Management (volume
// 1, 16.3) with its controllers and their services. On every fabric the same model is asked for;
// plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace srpd::discovery {

/// What the name of an SRP service begins with; its identifier extension follows (SRP r16a annex
/// B).
inline constexpr std::string_view service_prefix = "SRP.T10:";

/// Where a controller can be logged in to.
struct Service {
  std::string name;      ///< at most 40 bytes
  std::uint64_t id = 0;  ///< of the InfiniBand CM; hosts on other fabrics do without it

  friend bool operator==(const Service&, const Service&) = default;
};

/// "SRP.T10:" and the identifier extension as 16 lower case hex digits.
std::string service_name(std::uint64_t id_ext);
/// The identifier extension that a service name says. Nothing where it is no SRP service.
std::optional<std::uint64_t> id_ext_of(const Service& service);

/// An I/O controller. The defaults are those of ib_srpt, and so are the numbers that only it knows
/// the meaning of.
struct Controller {
  std::uint64_t guid = 0;
  /// As ib_srpt stores it: the value as a whole, not shifted up by the 8 reserved bits below it.
  std::uint32_t vendor = 0;
  std::uint32_t device = 0;
  std::uint16_t device_version = 0;
  std::uint32_t subsystem_vendor = 0;
  std::uint32_t subsystem = 0;
  std::uint16_t io_class = 0x0100;  ///< SRP r16a
  std::uint16_t io_subclass = 0x609e;
  std::uint16_t protocol = 0x0108;
  std::uint16_t protocol_version = 1;
  std::uint16_t service_connections = 0;
  std::uint16_t initiators = 0;
  std::uint16_t send_depth = 4096;
  std::uint8_t read_depth = 4;
  /// The longest IU a host may send. Below 8260, stock hosts give up immediate data.
  std::uint32_t send_size = 8276;
  std::uint32_t rdma_size = 65536;
  std::uint8_t operations = 0x2b;       ///< send and receive, RDMA Read and Write towards the host
  std::string id = "Linux SRP target";  ///< at most 64 bytes
  std::vector<Service> services;        ///< at most 255

  friend bool operator==(const Controller&, const Controller&) = default;
};

struct IoUnit {
  std::uint16_t change_id = 0;  ///< another one whenever the controllers change; 1 is the first
  std::uint8_t max_controllers = 16;
  std::map<std::uint8_t, Controller> controllers;  ///< by slot, from 1

  friend bool operator==(const IoUnit&, const IoUnit&) = default;
};

/// What a controller says about the adapter in front of it.
struct Hardware {
  std::uint32_t vendor = 0;
  std::uint32_t device = 0;
  std::uint16_t version = 0;
};

/// A target port and how it is reached.
struct ServedPort {
  std::uint64_t id_ext = 0;
  std::uint64_t ioc_guid = 0;
  std::uint64_t service_id = 0;
  std::uint32_t rdma_size = Controller{}.rdma_size;
};

/// Target ports of one GUID are services of one controller, in the order given, which has the
/// largest of their sizes.
std::vector<Controller> controllers_of(std::span<const ServedPort> ports,
                                       const Hardware& hardware = {},
                                       std::uint32_t send_size = Controller{}.send_size);

/// Makes `unit` hold these controllers. One that was there keeps its slot, others take the first
/// free ones; the change ID moves on if anything differs, and the result says whether it did. On an
/// error, which is too many of something, the unit stays as it is.
Expected<bool> update(IoUnit& unit, std::span<const Controller> controllers);

}  // namespace srpd::discovery
