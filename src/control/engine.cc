#include "control/engine.h"

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "control/engine_values.h"
#include "control/identity.h"
#include "runtime/thread.h"
#include "store/registry.h"

namespace srpd::control {
namespace {

using runtime::run_on;
using runtime::run_on_until_done;

tree::Result<void> result_of(const Expected<void>& answer, int otherwise = EINVAL) {
  if (answer) return {};
  return tree::fail(answer.error().number != 0 ? answer.error().number : otherwise,
                    answer.error().text());
}

// What has to be there, since the tree says so.
void must(const Expected<void>& answer) { CHECK(answer.has_value()); }

lio::Counters counters_of(const scsi::IoCount& count) {
  lio::Counters counters;
  counters.commands = count.commands;
  counters.read_bytes = count.read_bytes;
  counters.written_bytes = count.written_bytes;
  return counters;
}

}  // namespace

Engine::Engine(target::Target& target, runtime::Loop& home, Listen listen)
    : target_(target), home_(home), listen_(std::move(listen)) {}

Engine::~Engine() = default;

Engine::Device& Engine::device(lio::DeviceId id) const {
  const std::lock_guard lock(mutex_);
  return devices_.at(id);
}

Engine::Tpg& Engine::tpg(lio::TpgId id) const {
  const std::lock_guard lock(mutex_);
  return tpgs_.at(id);
}

// Devices

// Stores look after themselves on home, and end there: the last to let go of one may be a thread
// that changes the tree.
std::shared_ptr<store::Backstore> Engine::home_owned(
    std::unique_ptr<store::Backstore> store) const {
  struct End : runtime::Mail {
    explicit End(store::Backstore* ending)
        : Mail([](Mail& self) { delete &static_cast<End&>(self); }), store(ending) {}
    std::unique_ptr<store::Backstore> store;
  };
  return {store.release(), [&home = home_](store::Backstore* ending) {
            if (home.is_current()) {
              delete ending;
            } else {
              home.post(*new End(ending));
            }
          }};
}

lio::Result<lio::DeviceProperties> Engine::open_device(lio::DeviceId id,
                                                       const lio::DeviceSpec& spec,
                                                       const lio::DeviceAttributes& attributes,
                                                       const lio::Identity& identity) {
  const auto wanted = store_specification(spec);
  if (!wanted) return tl::unexpected(wanted.error());
  auto store = store::open(*wanted, home_);
  if (!store)
    return tree::fail(store.error().number != 0 ? store.error().number : EINVAL,
                      store.error().text());
  lio::DeviceProperties properties = device_properties(spec, **store);
  Device opened;
  opened.name = spec.name;
  opened.store = home_owned(std::move(*store));
  opened.attributes = attributes;
  opened.identity = identity;
  const std::lock_guard lock(mutex_);
  CHECK(devices_.emplace(id, std::move(opened)).second);
  return properties;
}

void Engine::close_device(lio::DeviceId id) {
  Device closing;
  {
    const std::lock_guard lock(mutex_);
    const auto found = devices_.find(id);
    CHECK(found != devices_.end() && found->second.links == 0);
    closing = std::move(found->second);
    devices_.erase(found);
  }
  // When this returns the file is closed, unless a command keeps the store.
  run_on(home_, [&] { closing.store.reset(); });
}

lio::Result<void> Engine::set_attributes(lio::DeviceId id,
                                         const lio::DeviceAttributes& attributes) {
  Device& changed = device(id);
  return run_on(home_, [&]() -> lio::Result<void> {
    const std::uint32_t least = changed.store->properties().block_size;
    if (attributes.block_size < least)
      return tree::fail(EINVAL, "the blocks of the device have " + std::to_string(least) + " bytes",
                        "choose that or more");
    changed.attributes = attributes;
    if (changed.lu) changed.lu->change_attributes(unit_attributes(attributes, *changed.store));
    return {};
  });
}

void Engine::set_identity(lio::DeviceId id, const lio::Identity& identity) {
  Device& changed = device(id);
  run_on(home_, [&] { changed.identity = identity; });
}

lio::Result<void> Engine::reconfigure(lio::DeviceId, const lio::DeviceSpec&, bool) {
  return tree::fail(ESRCH, "its handler cannot change a device that is in use",
                    "remove the device and make it anew");
}

lio::Result<void> Engine::format_protection(lio::DeviceId) {
  return tree::fail(ENOSYS, "protection information is not served");
}

// The tree itself keeps the state of target port groups; commands do not know them yet.
void Engine::set_port_group(lio::DeviceId, const lio::PortGroupState&) {}
void Engine::remove_port_group(lio::DeviceId, std::uint16_t) {}

lio::Result<void> Engine::restore_registration(lio::DeviceId, const lio::AptplRegistration&) {
  return tree::fail(ENOSYS, "persistent reservations are not served");
}

lio::Reservations Engine::reservations(lio::DeviceId) const { return {}; }

// Ports

lio::Result<void> Engine::add_port(std::string_view port) {
  if (const auto id = parse_port_id(port); !id) return result_of(failure("", id.error().cause));
  const std::lock_guard lock(mutex_);
  ports_.emplace(port, lio::PortSettings{});
  return {};
}

void Engine::remove_port(std::string_view port) {
  const std::lock_guard lock(mutex_);
  ports_.erase(ports_.find(port));
}

lio::Result<void> Engine::set_port(std::string_view port, const lio::PortSettings& settings) {
  std::vector<target::PortHandle> handles;
  bool sessions_end = false;
  {
    const std::lock_guard lock(mutex_);
    auto& present = ports_.find(port)->second;
    sessions_end = present.use_srq != settings.use_srq;
    present = settings;
    for (const auto& [id, tpg] : tpgs_) {
      if (tpg.port == port) handles.push_back(tpg.handle);
    }
  }
  for (const target::PortHandle handle : handles) {
    auto set =
        run_on(home_, [&] { return target_.set_port_limits(handle, port_limits(settings)); });
    if (!set) return result_of(set);
    if (sessions_end)
      must(run_on_until_done(home_,
                             [&](auto done) { return target_.close_sessions(handle, done); }));
  }
  return {};
}

lio::Result<void> Engine::add_tpg(lio::TpgId id, std::string_view port, std::uint16_t rtpi) {
  target::PortDescription description;
  description.scsi.id = *parse_port_id(port);
  description.scsi.name = "0x" + hex(description.scsi.id);
  description.scsi.relative_target_port = rtpi;
  description.enabled = false;
  {
    const std::lock_guard lock(mutex_);
    description.limits = port_limits(ports_.find(port)->second);
  }
  const auto handle = run_on(home_, [&] { return target_.add_port(description); });
  if (!handle)
    return tree::fail(EEXIST, handle.error().cause, "one port group for each SRP target port");
  {
    const std::lock_guard lock(mutex_);
    tpgs_.emplace(id, Tpg{*handle, std::string(port), {}});
  }
  share_identifier();
  return {};
}

void Engine::remove_tpg(lio::TpgId id) {
  const target::PortHandle handle = tpg(id).handle;
  must(run_on_until_done(
      home_, [&](auto done) { return target_.remove_port(handle, [done](bool) { done(); }); }));
  {
    const std::lock_guard lock(mutex_);
    tpgs_.erase(id);
  }
  share_identifier();
}

// With several ports the identifiers tell them apart; with one, a host may have been given any.
void Engine::share_identifier() {
  std::vector<target::PortHandle> handles;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, tpg] : tpgs_) handles.push_back(tpg.handle);
  }
  run_on(home_, [&] {
    // One that was removed meanwhile needs nothing.
    for (const target::PortHandle handle : handles)
      static_cast<void>(target_.set_any_identifier(handle, handles.size() == 1));
  });
}

lio::Result<void> Engine::set_rtpi(lio::TpgId id, std::uint16_t rtpi) {
  const target::PortHandle handle = tpg(id).handle;
  return result_of(run_on(home_, [&] { return target_.set_relative_port(handle, rtpi); }), EBUSY);
}

lio::Result<void> Engine::enable_tpg(lio::TpgId id, bool enable) {
  const target::PortHandle handle = tpg(id).handle;
  if (enable) return result_of(run_on(home_, [&] { return target_.enable_port(handle); }));
  return result_of(
      run_on_until_done(home_, [&](auto done) { return target_.disable_port(handle, done); }));
}

lio::Result<void> Engine::listen(std::uint16_t rdma_cm_port) {
  return result_of(run_on(home_, [&] { return listen_(rdma_cm_port); }), EADDRINUSE);
}

// LUNs and initiators

void Engine::link(Device& linked) const {
  if (linked.links++ != 0) return;
  linked.lu = std::make_shared<scsi::Lu>(unit_identity(linked.name, linked.identity),
                                         unit_attributes(linked.attributes, *linked.store),
                                         linked.store, linked.attributes.block_size);
}

void Engine::unlink(Device& linked) const {
  if (--linked.links != 0) return;
  linked.past += linked.lu->io_count();
  linked.lu.reset();
}

lio::Result<void> Engine::add_lun(lio::TpgId id, std::uint16_t lun, lio::DeviceId device_id,
                                  const lio::LunAccess&) {
  Tpg& group = tpg(id);
  Device& linked = device(device_id);
  return run_on(home_, [&]() -> lio::Result<void> {
    link(linked);
    const auto added = target_.add_lun(group.handle, {lun, linked.lu, false});
    if (!added) {
      unlink(linked);
      return result_of(added);
    }
    group.luns[lun] = device_id;
    return {};
  });
}

void Engine::remove_lun(lio::TpgId id, std::uint16_t lun) {
  Tpg& group = tpg(id);
  must(run_on_until_done(home_, [&](auto done) {
    return target_.remove_lun(group.handle, lun, [done](bool) { done(); });
  }));
  run_on(home_, [&] {
    const auto found = group.luns.find(lun);
    unlink(device(found->second));
    group.luns.erase(found);
  });
}

void Engine::set_lun_access(lio::TpgId, std::uint16_t, const lio::LunAccess&) {}

lio::Result<void> Engine::add_acl(lio::TpgId id, std::string_view initiator) {
  auto key = target::AclKey::parse(initiator);
  if (!key) return tree::fail(EINVAL, key.error().cause, key.error().remedy);
  const target::PortHandle handle = tpg(id).handle;
  return result_of(run_on(home_, [&] { return target_.add_acl(handle, *key); }), EEXIST);
}

void Engine::remove_acl(lio::TpgId id, std::string_view initiator) {
  const target::PortHandle handle = tpg(id).handle;
  must(run_on_until_done(
      home_, [&](auto done) { return target_.remove_acl(handle, initiator, std::move(done)); }));
}

lio::Result<void> Engine::map_lun(lio::TpgId id, std::string_view initiator, std::uint16_t mapped,
                                  std::uint16_t lun, bool write_protect) {
  const target::PortHandle handle = tpg(id).handle;
  return result_of(run_on(
      home_, [&] { return target_.map_lun(handle, initiator, {mapped, lun, write_protect}); }));
}

// Also of a LUN that has gone, and its mappings with it: then there is nothing to do.
void Engine::unmap_lun(lio::TpgId id, std::string_view initiator, std::uint16_t mapped) {
  const target::PortHandle handle = tpg(id).handle;
  static_cast<void>(run_on_until_done(home_, [&](auto done) {
    return target_.unmap_lun(handle, initiator, mapped, [done](bool) { done(); });
  }));
}

lio::Result<void> Engine::write_protect(lio::TpgId id, std::string_view initiator,
                                        std::uint16_t mapped, bool protect) {
  const target::PortHandle handle = tpg(id).handle;
  return result_of(
      run_on(home_, [&] { return target_.set_write_protect(handle, initiator, mapped, protect); }));
}

// Questions. The loop never waits for the tree, so that waiting a turn of it is short.

lio::Counters Engine::device_counters(lio::DeviceId id) const {
  Device& asked = device(id);
  return run_on(home_, [&] {
    scsi::IoCount count = asked.past;
    if (asked.lu) count += asked.lu->io_count();
    return counters_of(count);
  });
}

lio::Counters Engine::lun_counters(lio::TpgId id, std::uint16_t lun) const {
  const target::PortHandle handle = tpg(id).handle;
  const auto count = run_on(home_, [&] { return target_.lun_count(handle, lun); });
  return counters_of(count.value_or(scsi::IoCount{}));
}

lio::Counters Engine::mapped_counters(lio::TpgId id, std::string_view initiator,
                                      std::uint16_t mapped) const {
  const target::PortHandle handle = tpg(id).handle;
  const auto count =
      run_on(home_, [&] { return target_.mapped_lun_count(handle, initiator, mapped); });
  return counters_of(count.value_or(scsi::IoCount{}));
}

std::vector<lio::SessionRow> Engine::sessions(lio::TpgId id, std::string_view initiator) const {
  const std::string port = "0x" + hex(*parse_port_id(tpg(id).port));
  std::vector<lio::SessionRow> rows;
  must(run_on_until_done(home_, [&](auto done) -> Expected<void> {
    target_.list_sessions([&, done](const std::vector<target::SessionInfo>& all) {
      for (const target::SessionInfo& session : all) {
        if (session.port == port && session.acl == initiator)
          rows.push_back({session.id, session.acl, session.peer});
      }
      done();
    });
    return {};
  }));
  return rows;
}

}  // namespace srpd::control
