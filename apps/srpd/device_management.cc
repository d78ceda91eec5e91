#include "srpd/device_management.h"

#include <infiniband/ib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "dm/umad_fabric.h"

namespace srpd::app {
namespace {

/// Service IDs of RDMA/CM's port space for InfiniBand (RDMA_PS_IB); the low 16 bits are the port.
constexpr std::uint64_t infiniband_port_space = 0x0000'0000'013f'0000;

template <class Integer>
std::optional<Integer> number(std::string_view text, int base) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// PORT, or 0x and a service ID.
std::optional<std::uint64_t> service_of(std::string_view text) {
  if (text.starts_with("0x")) return number<std::uint64_t>(text.substr(2), 16);
  const auto port = number<std::uint16_t>(text, 10);
  if (!port || *port == 0) return std::nullopt;
  return infiniband_port_space | *port;
}

/// Of an InfiniBand listener.
std::optional<std::uint64_t> service_of(const transport::Address& address) {
  sockaddr_ib infiniband{};
  if (address.storage.ss_family != AF_IB || address.length < sizeof infiniband) return std::nullopt;
  std::memcpy(&infiniband, &address.storage, sizeof infiniband);
  return be64toh(infiniband.sib_sid);
}

std::vector<std::uint64_t> services(const Options& options,
                                    const std::vector<transport::Address>& listening) {
  std::vector<std::uint64_t> ids;
  if (options.device_management != "auto") {
    if (const auto id = service_of(std::string_view(options.device_management))) ids.push_back(*id);
    return ids;
  }
  for (const transport::Address& address : listening) {
    if (const auto id = service_of(address)) ids.push_back(*id);
  }
  return ids;
}

std::string link_of(const char* path) {
  std::array<char, 64> text{};
  return ::readlink(path, text.data(), text.size() - 1) > 0 ? text.data() : "";
}

/// The kernel rejects InfiniBand logins outside the first network namespace, after it has let srpd
/// listen there. Without the right to look at process 1 nothing is said.
void tell_namespace() {
  const std::string first = link_of("/proc/1/ns/net"), own = link_of("/proc/self/ns/net");
  if (first.empty() || first == own) return;
  log::warning(
      "InfiniBand: srpd is in a network namespace of its own, where the kernel rejects every "
      "InfiniBand login; run it in the first one (no PrivateNetwork=yes, no container network)");
}

std::uint64_t half(const scsi::PortId& id, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = offset; i < offset + 8; ++i)
    value = value << 8 | static_cast<std::uint64_t>(id[i]);
  return value;
}

}  // namespace

Expected<void> check_device_management(const Options& options) {
  const std::string& text = options.device_management;
  if (text == "auto" || text == "off" || service_of(std::string_view(text))) return {};
  return failure("--device-management '" + text + "'", "neither auto, off, a port nor a service ID",
                 "write a port such as 5555, or 0x and 16 hex digits");
}

void DeviceManagement::serve(const std::vector<target::PortInfo>& ports,
                             const std::vector<transport::Address>& listening) {
  dm::Offer offer;
  if (options_.max_request_iu != 0) offer.send_size = options_.max_request_iu;
  for (const target::PortInfo& port : ports) {
    if (!port.enabled) continue;
    for (const std::uint64_t id : services(options_, listening))
      offer.ports.push_back(
          {half(port.scsi.id, 0), half(port.scsi.id, 8), id, port.limits.max_rdma_size});
  }
  if (agents_) {
    agents_->serve(std::move(offer));
    return;
  }
  if (offer.ports.empty()) return;
  const auto infiniband = [](const auto& address) {
    return service_of(address).has_value() && !address.own_cm;
  };
  if (std::any_of(listening.begin(), listening.end(), infiniband)) tell_namespace();
  agents_ = std::make_unique<dm::Agents>(dm::make_umad_fabric(), std::move(offer));
}

}  // namespace srpd::app
