// An I/O unit as people and programs know it: the block that ibsrpdm prints, and the strings that
// the kernel's ib_srp takes as a login (add_target).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/io_unit.h"

namespace srpd::discovery {

using Gid = std::array<std::byte, 16>;

/// The lines of the block that say where the unit was found, for an InfiniBand port.
std::string infiniband_place(std::uint16_t lid, const Gid& gid);

/// One line "    LABEL:   VALUE" in the columns of the block, for other places.
std::string place_line(std::string_view label, std::string_view value);

/// The block, character by character that of ibsrpdm (rdma-core 44) where `place` is
/// infiniband_place(). Bytes from outside that are no printable ASCII become '?'.
std::string block(const IoUnit& unit, std::string_view place);

/// What ib_srp has to be told to log in to a service.
struct Login {
  std::uint64_t id_ext = 0;
  std::uint64_t ioc_guid = 0;
  std::uint64_t service_id = 0;
  std::uint16_t io_class = 0x0100;
  std::uint32_t send_size = 0;
};

/// Every SRP service of every controller, in order.
std::vector<Login> logins(const IoUnit& unit);

/// "id_ext=...,ioc_guid=...,dgid=...,pkey=...,service_id=..." through the InfiniBand CM.
std::string login_by_gid(const Login& login, const Gid& gid, std::uint16_t pkey);
/// "id_ext=...,ioc_guid=...,dest=IP:PORT" through RDMA/CM; IPv6 addresses are in brackets.
std::string login_by_address(const Login& login, std::string_view ip_and_port);

/// 32 lower case hex digits.
std::string hex(const Gid& gid);

}  // namespace srpd::discovery
