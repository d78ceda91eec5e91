#include "srpd/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace srpd::app {
namespace {

/// The host part of a URL that a program on this machine can use: a wildcard is reached as
/// loopback.
std::string reachable(transport::Address address) {
  address.rdma = false;
  std::string text = address.text();
  if (text.starts_with("0.0.0.0:")) return "127.0.0.1" + text.substr(7);
  if (text.starts_with("[::]:")) return "[::1]" + text.substr(4);
  return text;
}

std::string hex_of(const scsi::PortId& id) {
  std::string text;
  for (const std::byte b : id) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

std::string access(const target::PortDescription& port) {
  if (!port.enabled) return "disabled: nobody can log in";
  if (port.open) return "open: whoever reaches the port may log in, read and write";
  if (port.acls.empty()) return "closed: nobody may log in";
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(port.acls.size(), 4); ++i)
    text += (i == 0 ? "" : ", ") + port.acls[i].key.text();
  if (port.acls.size() > 4) text += fmt::format(" and {} more", port.acls.size() - 4);
  return text;
}

std::string lun_line(const target::Lun& entry, const std::string& url) {
  const scsi::Lu& lu = *entry.lu;
  const store::Properties& properties = lu.store().properties();
  const char* const cache = lu.store().pass_through() != nullptr ? "of its own"
                            : properties.write_cache             ? "on"
                                                                 : "off";
  return fmt::format("  LUN {:<3} {}  {}\n          {}, write cache {}, serial {}\n", entry.number,
                     url, lu.identity().name, lu.store().description(), cache,
                     lu.identity().unit_serial);
}

}  // namespace

std::string listening_line(const std::vector<transport::Address>& listening,
                           const std::vector<transport::Address>& discovery,
                           std::string_view loop_kind, std::size_t loop_count) {
  std::string text = fmt::format("srpd {} on", SRPD_VERSION);
  for (const transport::Address& address : listening) text += " " + address.text();
  text += fmt::format(" ({}, {} loop{})\n", loop_kind, loop_count, loop_count == 1 ? "" : "s");
  if (!discovery.empty()) text += " discovery on";
  for (const transport::Address& address : discovery) text += " " + address.text();
  if (!discovery.empty()) text += "\n";
  return text;
}

std::string summary(const control::Built& built, const std::vector<transport::Address>& listening,
                    const std::vector<transport::Address>& discovery, std::string_view loop_kind,
                    std::size_t loop_count) {
  std::string text = listening_line(listening, discovery, loop_kind, loop_count);
  // InfiniBand without IP has no place in a URL.
  const auto first = std::find_if(listening.begin(), listening.end(), [](const auto& address) {
    return address.storage.ss_family == AF_INET || address.storage.ss_family == AF_INET6;
  });
  const std::string host = first == listening.end() ? "HOST" : reachable(*first);
  for (const target::PortDescription& port : built.ports) {
    const std::string id = hex_of(port.scsi.id);
    text += fmt::format(" target {}: {}\n", id, access(port));
    const std::string name = built.ports.size() > 1 ? "/" + id : "";
    for (const auto& entry : port.luns)
      text += lun_line(entry, fmt::format("srp://{}{}/{}", host, name, entry.number));
  }
  return text;
}

std::string served_count(const control::Built& built) {
  const auto plural = [](std::size_t count) { return count == 1 ? "" : "s"; };
  return fmt::format("{} disk{} on {} target{}", built.units.size(), plural(built.units.size()),
                     built.ports.size(), plural(built.ports.size()));
}

std::string closed_hint(const control::Built& built, bool from_flags) {
  const bool somebody = std::any_of(built.ports.begin(), built.ports.end(), [](const auto& port) {
    return port.enabled && (port.open || !port.acls.empty());
  });
  if (somebody) return "";
  return from_flags ? "nobody may log in: add --allow ADDRESS (or --allow INITIATOR) for each "
                      "host, or --open for everybody who reaches the port"
                    : "nobody may log in: the configuration has no ACL; add one for each host";
}

}  // namespace srpd::app
