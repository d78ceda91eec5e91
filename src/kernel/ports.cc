#include "kernel/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace srpd::kernel {
namespace {

constexpr const char* no_adapter =
    "plug in an RDMA adapter, or make one of a network interface: rdma link add siw0 type siw "
    "netdev INTERFACE (iWARP), or type rxe (RoCE)";

/// "aa:bb:cc": bytes of a hardware address.
std::vector<std::byte> hardware_address(std::string_view text) {
  std::vector<std::byte> bytes;
  while (text.size() >= 2) {
    std::uint8_t byte = 0;
    if (std::from_chars(text.data(), text.data() + 2, byte, 16).ptr != text.data() + 2) return {};
    bytes.push_back(std::byte{byte});
    text.remove_prefix(std::min<std::size_t>(3, text.size()));
  }
  return bytes;
}

/// The GID that the RDMA CM looks for where addresses are not GIDs: of iWARP devices it is the
/// Ethernet address with zeros behind it, of IPoIB interfaces the last 16 bytes of theirs.
std::optional<Gid> gid_of_interface(const Files& files, const std::string& interface) {
  const auto text = files.read("/sys/class/net/" + interface + "/address");
  const auto address = hardware_address(text.value_or(""));
  Gid gid{};
  if (address.size() == 6)
    std::copy(address.begin(), address.end(), gid.begin());
  else if (address.size() == 20)
    std::copy(address.begin() + 4, address.end(), gid.begin());
  else
    return std::nullopt;
  return gid;
}

bool contains(const auto& list, const auto& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Port read_port(const Files& files, const std::string& name) {
  Port port;
  port.name = name;
  const std::string folder = "/sys/class/infiniband_srp/" + name;
  port.device = files.read(folder + "/ibdev").value_or("");
  port.number = files.read(folder + "/port").value_or("");
  const std::string there = "/sys/class/infiniband/" + port.device + "/ports/" + port.number;
  port.infiniband = files.read(there + "/link_layer").value_or("") == "InfiniBand";
  port.active = files.read(there + "/state").value_or("").find("ACTIVE") != std::string::npos;
  for (const std::string& index : files.list(there + "/gids")) {
    const auto gid = parse_gid(files.read(there + "/gids/" + index).value_or(""));
    if (!gid || *gid == Gid{}) continue;
    port.gids.push_back(*gid);
    if (const auto interface = files.read(there + "/gid_attrs/ndevs/" + index))
      port.interfaces.push_back(*interface);
  }
  return port;
}

bool same_subnet(const Port& port, const Gid& gid) {
  return std::any_of(port.gids.begin(), port.gids.end(), [&](const Gid& own) {
    return std::equal(own.begin(), own.begin() + 8, gid.begin());
  });
}

/// Of those that `fits`, one that is active if possible.
std::optional<Port> best(const std::vector<Port>& ports,
                         const std::function<bool(const Port&)>& fits) {
  std::optional<Port> found;
  for (const Port& port : ports) {
    if (fits(port) && (!found || (port.active && !found->active))) found = port;
  }
  return found;
}

Expected<Port> chosen_port(const std::vector<Port>& ports, const std::string& device) {
  const auto found = best(ports, [&](const Port& port) {
    return port.device == device || port.device + ":" + port.number == device;
  });
  if (found) return *found;
  std::string names;
  for (const Port& port : ports) names += " " + port.device + ":" + port.number;
  return failure("device " + device, "ib_srp has no such RDMA device", "choose one of" + names);
}

Expected<Port> port_to_address(const Files& files, const std::vector<Port>& ports,
                               const std::string& dest, const RouteTo& route_to) {
  const auto route = route_to(dest);
  if (!route) return tl::make_unexpected(route.error());
  const auto own = gid_of_interface(files, route->interface);
  const auto found = best(ports, [&](const Port& port) {
    return contains(port.gids, route->source) || (own && contains(port.gids, *own)) ||
           contains(port.interfaces, route->interface);
  });
  if (found) return *found;
  return failure(fmt::format("address {}", dest),
                 fmt::format("the interface {} that leads there has no RDMA device",
                             route->interface.empty() ? "?" : route->interface),
                 fmt::format("make one: rdma link add siw0 type siw netdev {}, or reach the target "
                             "through another interface",
                             route->interface));
}

}  // namespace

Expected<std::vector<Port>> srp_ports(const Files& files) {
  if (!files.exists("/sys/class/infiniband_srp"))
    return failure("ib_srp", "the kernel's SRP initiator is not loaded",
                   "as root: modprobe ib_srp; or use the disks without it: srp read, srp write");
  std::vector<Port> ports;
  for (const std::string& name : files.list("/sys/class/infiniband_srp"))
    ports.push_back(read_port(files, name));
  if (ports.empty()) return failure("ib_srp", "this machine has no RDMA device", no_adapter);
  return ports;
}

Expected<Port> port_for(const Files& files, const LoginString& login, const std::string& device,
                        const RouteTo& route_to) {
  const auto ports = srp_ports(files);
  if (!ports) return tl::make_unexpected(ports.error());
  if (!device.empty()) return chosen_port(*ports, device);
  if (!login.path) return port_to_address(files, *ports, login.dest, route_to);
  const Gid& dgid = login.path->dgid;
  auto found =
      best(*ports, [&](const Port& port) { return port.infiniband && same_subnet(port, dgid); });
  if (!found) found = best(*ports, [](const Port& port) { return port.infiniband; });
  if (found) return *found;
  return failure("dgid " + discovery::hex(dgid), "no RDMA device here is on InfiniBand",
                 "log in with dest=IP:PORT on Ethernet");
}

}  // namespace srpd::kernel
