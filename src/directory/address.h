// Transport addresses as the discovery service tells them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "discovery/io_unit.h"
#include "discovery/text.h"
#include "transport/transport.h"

namespace srpd::directory {

/// An IPv4 or IPv6 address; the other members are for such.
bool is_ip(const transport::Address& address);
std::uint16_t port_of(const transport::Address& address);
transport::Address with_port(transport::Address address, std::uint16_t port);
/// IPv6, or IPv4 as ::ffff:a.b.c.d.
discovery::Gid gid_of(const transport::Address& address);
bool is_ipv4(const discovery::Gid& address);
bool is_link_local(const discovery::Gid& address);
/// The interface of a link-local address; empty for others.
std::string scope_of(const transport::Address& address);

/// A target port identifier: id_ext and ioc_guid. The service ID is the GUID, as ib_srpt has it; on
/// IP networks nobody uses it.
discovery::ServedPort served_port(std::span<const std::byte, 16> id);

}  // namespace srpd::directory
