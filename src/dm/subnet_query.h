// What is asked of a subnet administrator, and what its answers say. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "discovery/mad.h"
#include "discovery/text.h"

namespace srpd::dm {

/// A port of the subnet that says it answers Device Management.
struct RemotePort {
  std::uint16_t lid = 0;
  discovery::Gid gid{};  ///< without the second half until the node is known

  friend bool operator==(const RemotePort&, const RemotePort&) = default;
};

discovery::Mad ask_class_port_info_of_sa(std::uint64_t transaction);
/// All ports with that capability; all ports where `by_capability` is false.
discovery::Mad ask_ports(bool by_capability, std::uint64_t transaction);
discovery::Mad ask_node(std::uint16_t lid, std::uint64_t transaction);

// Nothing where the answer is a refusal, cut short, or to another question.
/// Whether the SA can be asked for ports by their capability.
std::optional<bool> parse_class_port_info_of_sa(std::span<const std::byte> response);
/// Those with the capability; whatever is behind the last whole record is left out.
std::optional<std::vector<RemotePort>> parse_ports(std::span<const std::byte> response);
/// The GUID of the port: the second half of its GID.
std::optional<std::array<std::byte, 8>> parse_node(std::span<const std::byte> response);

}  // namespace srpd::dm
