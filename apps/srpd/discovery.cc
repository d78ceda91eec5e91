#include "srpd/discovery.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "directory/address.h"
#include "srpd/listen.h"
#include "transport/registry.h"

namespace srpd::app {
namespace {

using directory::gid_of;
using directory::is_ipv4;
using directory::Listener;
using directory::port_of;
using discovery::Gid;
using namespace std::chrono_literals;

constexpr runtime::Time retry_interval = 1s;

bool takes(const Gid& listener, const Gid& address) {
  if (listener == address) return true;
  // [::] takes IPv4 as well.
  return takes_every_address(listener) && (!is_ipv4(listener) || is_ipv4(address));
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

dnssd::Family family_of(const Gid& listener) {
  if (is_ipv4(listener)) return dnssd::Family::ipv4;
  return takes_every_address(listener) ? dnssd::Family::any : dnssd::Family::ipv6;
}

/// Controllers of the enabled target ports. Their service IDs are their GUIDs, as ib_srpt's are: on
/// IP networks nobody uses them. `max_request_iu`: the longest IU of hosts, 0: the default.
std::vector<discovery::Controller> controllers(const std::vector<target::PortInfo>& ports,
                                               std::uint32_t max_request_iu) {
  std::vector<discovery::ServedPort> served;
  for (const target::PortInfo& port : ports) {
    if (!port.enabled) continue;
    served.push_back(directory::served_port(port.scsi.id));
    served.back().rdma_size = port.limits.max_rdma_size;
  }
  const std::uint32_t send_size =
      max_request_iu != 0 ? max_request_iu : discovery::Controller{}.send_size;
  return discovery::controllers_of(served, discovery::Hardware{}, send_size);
}

}  // namespace

std::vector<Listener> reachable(const transport::Address& listener, const Gid& local,
                                const std::vector<InterfaceAddress>& interfaces) {
  const Gid own = gid_of(listener);
  std::vector<Listener> listeners;
  const auto add = [&](const Gid& address, const std::string& interface) {
    Listener made;
    made.address = address;
    made.port = port_of(listener);
    made.transport = listener.rdma ? "verbs" : "iwarp";
    made.device = interface;
    const bool known = std::any_of(listeners.begin(), listeners.end(),
                                   [&](const Listener& l) { return l.address == address; });
    if (!known) listeners.push_back(std::move(made));
  };
  const auto interface_with = [&](const Gid& address) {
    const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                    [&](const auto& each) { return each.address == address; });
    return found == interfaces.end() ? std::string() : found->interface;
  };
  if (takes(own, local)) add(local, interface_with(local));
  if (!takes_every_address(own)) {
    add(own, interface_with(own));
    return listeners;
  }
  for (const InterfaceAddress& each : interfaces) {
    if (!each.loopback && !each.link_local && takes(own, each.address))
      add(each.address, each.interface);
  }
  return listeners;
}

std::vector<dnssd::Announcement> announcements(
    const transport::Address& listener, std::uint16_t discovery_port, const discovery::IoUnit& unit,
    const std::string& node, const std::vector<InterfaceAddress>& interfaces, bool loopback_too) {
  const Gid own = gid_of(listener);
  const auto at = std::find_if(interfaces.begin(), interfaces.end(),
                               [&](const auto& each) { return each.address == own; });
  std::vector<dnssd::Announcement> made;
  if (at != interfaces.end() && at->loopback && !loopback_too) return made;
  for (const discovery::Login& login : discovery::logins(unit)) {
    dnssd::Announcement announcement;
    announcement.name = dnssd::instance_name(
        fmt::format("{:016x}{:016x} on {}", login.id_ext, login.ioc_guid, node));
    announcement.port = port_of(listener);
    announcement.family = family_of(own);
    announcement.interface = at == interfaces.end() ? 0 : at->index;
    announcement.txt = {{"txtvers", "1"},
                        {"id_ext", fmt::format("{:016x}", login.id_ext)},
                        {"ioc_guid", fmt::format("{:016x}", login.ioc_guid)}};
    if (discovery_port != 0) announcement.txt["discovery"] = std::to_string(discovery_port);
    made.push_back(std::move(announcement));
  }
  return made;
}

Discovery::Discovery(const Options& options, runtime::Loop& loop)
    : enabled_(options.discovery),
      port_(options.discovery_port),
      announce_(options.announce),
      max_request_iu_(options.max_request_iu),
      loop_(loop),
      transport_(transport::find_transport("iwarp")->make()),
      server_(loop, {}, [this](const transport::Address& local) { return listing_for(local); }) {}

Expected<std::unique_ptr<Discovery>> Discovery::start(
    const Options& options, const std::vector<target::PortInfo>& ports,
    const std::vector<transport::Address>& listening, runtime::Loop& loop) {
  std::unique_ptr<Discovery> made(new Discovery(options, loop));
  for (const transport::Address& target : listening) {
    if (auto listens = made->listen(target); !listens) return tl::make_unexpected(listens.error());
  }
  made->serve(ports);
  return made;
}

void Discovery::serve(const std::vector<target::PortInfo>& ports) {
  const auto updated = discovery::update(unit_, controllers(ports, max_request_iu_));
  if (!updated) log::warning("discovery: {}", updated.error().text());
  if (updated.value_or(false)) announce();
}

Expected<void> Discovery::add(const transport::Address& listening) {
  auto listens = listen(listening);
  announce();
  return listens;
}

void Discovery::remove(const transport::Address& listening) {
  std::erase_if(listening_,
                [&](const Listening& each) { return each.target.text() == listening.text(); });
  announce();
}

Expected<void> Discovery::listen(const transport::Address& target) {
  if (!directory::is_ip(target)) return {};
  listening_.push_back({.target = target});
  return enabled_ ? answer_at(listening_.back()) : Expected<void>{};
}

Expected<void> Discovery::answer_at(Listening& listening) {
  const transport::Address& target = listening.target;
  // The listener there does the same.
  listening.waiting = !is_there(gid_of(target));
  if (listening.waiting) {
    if (!retry_.armed()) loop_.start_timer(retry_, loop_.now() + retry_interval);
    return {};
  }
  auto wanted =
      directory::with_port(target, port_.value_or(directory::discovery_port(port_of(target))));
  wanted.rdma = false;
  if (const auto port = port_answered_at(wanted)) {
    listening.discovery_port = *port;
    return {};
  }
  wait_until_free(wanted);
  const auto bound = server_.listen(*transport_, wanted);
  if (bound) {
    addresses_.push_back(*bound);
    listening.discovery_port = port_of(*bound);
  } else if (port_) {
    return tl::make_unexpected(Error{"--discovery-port: " + bound.error().object,
                                     bound.error().cause, "choose another one"});
  } else {
    log::warning(
        "no discovery service at {}: {}; choose another port with --discovery-port, or "
        "--no-discovery",
        wanted.text(), bound.error().cause);
  }
  return {};
}

void Discovery::try_again() {
  bool news = false;
  for (Listening& each : listening_) {
    if (!each.waiting) continue;
    if (auto answered = answer_at(each); !answered) log::warning("{}", answered.error().text());
    if (each.waiting) continue;
    news = true;
    if (each.discovery_port != 0)
      log::info("discovery on {}: the address is there now",
                directory::with_port(each.target, each.discovery_port).text());
  }
  if (news) announce();
}

// Two listeners of one address, such as one for TCP and one for RDMA devices, share the service.
std::optional<std::uint16_t> Discovery::port_answered_at(const transport::Address& wanted) const {
  for (const transport::Address& address : addresses_) {
    const bool any_port = port_of(wanted) == 0;
    if (gid_of(address) == gid_of(wanted) && (any_port || port_of(address) == port_of(wanted)))
      return port_of(address);
  }
  return std::nullopt;
}

// Anew when there are news.
void Discovery::announce() {
  if (announce_ == Announce::never) return;
  const auto interfaces = interface_addresses();
  std::vector<dnssd::Announcement> services;
  for (const Listening& each : listening_) {
    auto more = announcements(each.target, each.discovery_port, unit_, machine_name(), interfaces,
                              announce_ == Announce::always);
    std::move(more.begin(), more.end(), std::back_inserter(services));
  }
  publisher_.reset();
  if (services.empty()) return;
  publisher_ = std::make_unique<dnssd::Publisher>(loop_, std::move(services));
  publisher_->start();
}

std::shared_ptr<const directory::Listing> Discovery::listing_for(
    const transport::Address& local) const {
  auto listing = std::make_shared<directory::Listing>();
  listing->unit = unit_;
  listing->node = machine_name();
  listing->software = "srpd " SRPD_VERSION;
  const auto interfaces = interface_addresses();
  for (const Listening& each : listening_) {
    auto more = reachable(each.target, gid_of(local), interfaces);
    std::move(more.begin(), more.end(), std::back_inserter(listing->listeners));
  }
  // Where the host came in first: the way is known to work.
  std::stable_partition(listing->listeners.begin(), listing->listeners.end(),
                        [&](const Listener& l) { return l.address == gid_of(local); });
  return listing;
}

void Discovery::shut_down(std::function<void()> done) {
  loop_.cancel_timer(retry_);
  publisher_.reset();
  server_.shut_down(std::move(done));
}

}  // namespace srpd::app
