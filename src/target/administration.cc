#include "target/administration.h"

#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/check.h"

namespace srpd::target {

using srp::LoginFault;

Administration::~Administration() { CHECK(removals_ == 0); }

// Commands of removed LUNs end with their sessions at the latest, but the word of it still has to
// come home.
void Administration::shut_down(Done done) {
  down_ = std::move(done);
  logins_.shut_down([this] {
    sessions_gone_ = true;
    maybe_down();
  });
}

void Administration::maybe_down() {
  if (!sessions_gone_ || removals_ != 0) return;
  if (const Done done = std::exchange(down_, nullptr)) done();
}

void Administration::remove(Views views, Removed done) {
  ++removals_;
  Removal::start(home_, shards_, std::move(views), std::move(done), [this] { removal_gone(); });
}

void Administration::removal_gone() {
  --removals_;
  maybe_down();
}

// Ports

Expected<void> Administration::remove_port(PortHandle handle, Removed done) {
  const std::shared_ptr<Port> port = ports_.take(handle);
  if (port == nullptr) return tl::unexpected(ports_.find(handle).error());
  logins_.close([&](const Nexus& nexus) { return nexus.port == port.get(); },
                LoginFault::unknown_target_port, Session::End::port_removed,
                [this, port, done = std::move(done)]() mutable {
                  Views taken;
                  port->remove_everything(taken);
                  remove(std::move(taken), std::move(done));
                });
  return {};
}

Expected<void> Administration::enable_port(PortHandle handle) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  (*port)->enabled = true;
  return {};
}

Expected<void> Administration::disable_port(PortHandle handle, Done done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  (*port)->enabled = false;
  logins_.close([&](const Nexus& nexus) { return nexus.port == *port; }, LoginFault::port_disabled,
                Session::End::port_disabled, std::move(done));
  return {};
}

Expected<void> Administration::set_port_open(PortHandle handle, bool open, Done done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  (*port)->open = open;
  logins_.close([&](const Nexus& nexus) { return !open && nexus.port == *port && nexus.open; },
                LoginFault::no_acl, Session::End::port_closed, std::move(done));
  return {};
}

Expected<void> Administration::set_any_identifier(PortHandle handle, bool any) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  (*port)->any_identifier = any;
  return {};
}

Expected<void> Administration::set_relative_port(PortHandle handle,
                                                 std::uint16_t relative_target_port) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  if ((*port)->enabled)
    return failure("target port " + (*port)->scsi.name,
                   "hosts know it by its relative target port identifier", "disable it first");
  (*port)->set_relative_port(relative_target_port);
  return {};
}

Expected<void> Administration::set_port_limits(PortHandle handle, const PortLimits& limits) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  if (auto good = check(limits); !good) return good;
  (*port)->limits = limits;
  return {};
}

Expected<void> Administration::close_sessions(PortHandle handle, Done done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  logins_.close([&](const Nexus& nexus) { return nexus.port == *port; }, LoginFault::superseded,
                Session::End::administrator, std::move(done));
  return {};
}

// LUNs

Expected<void> Administration::add_lun(PortHandle handle, const Lun& lun) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->add_lun(lun);
}

Expected<void> Administration::remove_lun(PortHandle handle, std::uint32_t number, Removed done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  Views taken;
  if (auto removed = (*port)->remove_lun(number, taken); !removed) return removed;
  remove(std::move(taken), std::move(done));
  return {};
}

Expected<void> Administration::set_lun_access(PortHandle handle, std::uint32_t number,
                                              const scsi::PortAccess& access) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->set_lun_access(number, access);
}

// ACLs

Expected<void> Administration::add_acl(PortHandle handle, AclKey key) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  Views taken;
  if (auto added = (*port)->add_acl(std::move(key), taken); !added) return added;
  remove(std::move(taken), nullptr);
  return {};
}

Expected<void> Administration::remove_acl(PortHandle handle, std::string_view acl, Done done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  std::vector<Nexus*> orphans;
  if (auto removed = (*port)->remove_acl(acl, orphans); !removed) return removed;
  const std::unordered_set<const Nexus*> chosen(orphans.begin(), orphans.end());
  logins_.close([&](const Nexus& nexus) { return chosen.contains(&nexus); }, LoginFault::no_acl,
                Session::End::acl_removed, std::move(done));
  return {};
}

Expected<void> Administration::map_lun(PortHandle handle, std::string_view acl,
                                       const MappedLun& lun) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->map_lun(acl, lun);
}

Expected<void> Administration::unmap_lun(PortHandle handle, std::string_view acl,
                                         std::uint32_t number, Removed done) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  Views taken;
  if (auto removed = (*port)->unmap_lun(acl, number, taken); !removed) return removed;
  remove(std::move(taken), std::move(done));
  return {};
}

Expected<void> Administration::set_write_protect(PortHandle handle, std::string_view acl,
                                                 std::uint32_t number, bool on) {
  const auto port = ports_.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->set_write_protect(acl, number, on);
}

}  // namespace srpd::target
