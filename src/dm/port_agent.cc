#include "dm/port_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace srpd::dm {
namespace {

/// Lines of one message to the administrator; the rest is said by `srp discover`.
constexpr std::size_t max_login_lines = 8;

std::string login_lines(const discovery::IoUnit& unit, const Port& port) {
  std::string text;
  std::size_t lines = 0;
  for (const discovery::Login& login : discovery::logins(unit)) {
    if (lines++ == max_login_lines) return text + "\n  ...";
    text += fmt::format("\n  echo {} > /sys/class/infiniband_srp/srp-DEVICE-PORT/add_target",
                        discovery::login_by_gid(login, port.gid, port.pkey));
  }
  return text;
}

}  // namespace

PortAgent::PortAgent(Fabric& fabric, Port port)
    : fabric_(fabric), port_(std::move(port)), hardware_(fabric.hardware(port_.device)) {}

void PortAgent::refresh(const Port& port, const Offer& offer) {
  port_ = port;
  const bool changed = update_unit(offer);
  const bool registered = !link_ && register_agent();
  if (!link_) return;
  tell_capability();
  if (changed || registered) announce();
}

bool PortAgent::register_agent() {
  auto link = fabric_.open(port_);
  if (!link) {
    // The file of a port comes a moment after the port: said when it is so a second time.
    const std::string text = link.error().text();
    if (std::exchange(failure_, text) == text) tell(text);
    return false;
  }
  link_ = std::move(*link);
  failure_.clear();
  told_.clear();
  capability_ = Capability::unknown;
  log::info("{}: hosts can ask for this target (LID {}, GID {})", port_.text(), port_.lid,
            discovery::hex(port_.gid));
  return true;
}

bool PortAgent::update_unit(const Offer& offer) {
  const auto changed =
      discovery::update(unit_, discovery::controllers_of(offer.ports, hardware_, offer.send_size));
  if (changed) return *changed;
  tell(port_.text() + ": " + changed.error().text());
  return false;
}

void PortAgent::tell(const std::string& complaint) {
  if (std::exchange(told_, complaint) != complaint) log::warning("{}", complaint);
}

/// A process cannot set the bit, and without it no host asks.
void PortAgent::tell_capability() {
  const auto now = (port_.capability_mask & is_device_management_supported) != 0
                       ? Capability::set
                       : Capability::missing;
  if (std::exchange(capability_, now) == now) return;
  if (now == Capability::set) {
    log::info("{}: IsDeviceManagementSupported is set, hosts find this target", port_.text());
    return;
  }
  log::warning(
      "{}: IsDeviceManagementSupported is not set, so ibsrpdm and srp_daemon pass this port by; "
      "load the module of contrib/dm_cap, or log in from the hosts by hand:{}",
      port_.text(), login_lines(unit_, port_));
}

void PortAgent::announce() {
  if (auto announced = link_->announce(port_); !announced)
    log::info("{}; hosts notice the change when they look again (srp_daemon -R)",
              announced.error().text());
}

void PortAgent::answer() {
  discovery::Mad mad;
  switch (link_->receive(mad)) {
    case Link::Received::nothing:
      return;
    case Link::Received::lost:
      log::info("{}: gone; hosts can no longer ask there", port_.text());
      link_.reset();
      return;
    case Link::Received::mad:
      break;
  }
  const auto response = discovery::answer_mad(unit_, mad);
  if (!response) return;
  if (auto sent = link_->reply(*response); !sent) log::warning("{}", sent.error().text());
}

}  // namespace srpd::dm
