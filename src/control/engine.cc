#include "control/engine.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "control/engine_values.h"
#include "control/identity.h"
#include "control/tree_view.h"
#include "runtime/thread.h"

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

std::string target_name(std::string_view port) { return "0x" + hex(*parse_port_id(port)); }

}  // namespace

Engine::Engine(target::Target& target, runtime::Loop& home, Daemon daemon)
    : target_(target), home_(home), daemon_(std::move(daemon)) {}

Engine::~Engine() = default;

// The two threads taking turns for each of ten thousand LUNs would be most of a start. As a rule
// what is added so cannot fail: the tree, or who calls, has looked.
lio::Result<void> Engine::add(std::function<std::string()> object,
                              std::function<Expected<void>()> work) {
  if (!is_patient()) return result_of(run_on(home_, work));
  runtime::run_later(home_, [this, object = std::move(object), work = std::move(work)] {
    const auto done = work();
    if (!done || !failures_.empty()) note(object(), done);
  });
  return {};
}

/// Under the name by which people know the object.
void Engine::note(const std::string& object, const Expected<void>& done) {
  failures_.erase(object);
  if (done) return;
  const Error& error = done.error();
  log::error("{}: hosts do not get it: {}", object, error.text());
  failures_.emplace(
      object,
      Error{object, "hosts do not get it: " + error.cause,
            error.remedy.empty() ? "delete it and create it anew" : error.remedy, error.number});
}

std::vector<Error> Engine::failures() const {
  return run_on(home_, [this] {
    std::vector<Error> all;
    for (const auto& [object, error] : failures_) all.push_back(error);
    return all;
  });
}

std::string Engine::lun_name(const Tpg& tpg, std::uint16_t lun) {
  return "/srpt/" + saved_name(tpg.port) + "/luns/lun" + std::to_string(lun);
}

std::string Engine::mapped_name(const Tpg& tpg, std::string_view initiator, std::uint32_t mapped) {
  return "/srpt/" + saved_name(tpg.port) + "/acls/" + saved_name(initiator) + "/mapped_lun" +
         std::to_string(mapped);
}

// Ports

lio::Result<void> Engine::add_port(std::string_view port) {
  if (const auto id = parse_port_id(port); !id) return result_of(failure("", id.error().cause));
  run_on(home_, [&] { ports_.emplace(port, lio::PortSettings{}); });
  return {};
}

void Engine::remove_port(std::string_view port) {
  run_on(home_, [&] { ports_.erase(ports_.find(port)); });
}

lio::Result<void> Engine::set_port(std::string_view port, const lio::PortSettings& settings) {
  bool sessions_end = false;
  std::vector<target::PortHandle> handles;
  auto set = run_on(home_, [&]() -> Expected<void> {
    auto& present = ports_.find(port)->second;
    sessions_end = present.use_srq != settings.use_srq;
    for (const auto& [id, tpg] : tpgs_) {
      if (tpg.port != port) continue;
      handles.push_back(tpg.handle);
      if (auto limited = target_.set_port_limits(tpg.handle, port_limits(settings)); !limited)
        return limited;
    }
    present = settings;
    return {};
  });
  if (!set || !sessions_end) return result_of(set);
  for (const target::PortHandle handle : handles)
    must(run_on_until_done(home_, [&](auto done) { return target_.close_sessions(handle, done); }));
  return {};
}

lio::Result<void> Engine::add_tpg(lio::TpgId id, std::string_view port, std::uint16_t rtpi) {
  return run_on(home_, [&]() -> lio::Result<void> {
    target::PortDescription description;
    description.scsi.id = *parse_port_id(port);
    description.scsi.name = target_name(port);
    description.scsi.relative_target_port = rtpi;
    description.shares_identifier = true;
    description.enabled = false;
    description.limits = port_limits(ports_.find(port)->second);
    const auto handle = target_.add_port(description);
    if (!handle) return tree::fail(EINVAL, handle.error().cause, handle.error().remedy);
    tpgs_.emplace(id, Tpg{*handle, std::string(port), {}, {}});
    share_identifier();
    return {};
  });
}

void Engine::remove_tpg(lio::TpgId id) {
  must(run_on_until_done(home_, [&](auto done) {
    const target::PortHandle handle = tpgs_.at(id).handle;
    tpgs_.erase(id);
    share_identifier();
    return target_.remove_port(handle, [done](bool) { done(); });
  }));
}

// With several ports the identifiers tell them apart; with one, a host may have been given any.
void Engine::share_identifier() {
  const bool any = std::all_of(tpgs_.begin(), tpgs_.end(), [this](const auto& each) {
    return each.second.port == tpgs_.begin()->second.port;
  });
  for (const auto& [id, tpg] : tpgs_) must(target_.set_any_identifier(tpg.handle, any));
}

lio::Result<void> Engine::set_rtpi(lio::TpgId id, std::uint16_t rtpi) {
  return result_of(
      run_on(home_, [&] { return target_.set_relative_port(tpgs_.at(id).handle, rtpi); }), EBUSY);
}

lio::Result<void> Engine::enable_tpg(lio::TpgId id, bool enable) {
  if (enable)
    return result_of(run_on(home_, [&] { return target_.enable_port(tpgs_.at(id).handle); }));
  return result_of(run_on_until_done(
      home_, [&](auto done) { return target_.disable_port(tpgs_.at(id).handle, done); }));
}

lio::Result<void> Engine::listen(std::uint16_t rdma_cm_port) {
  return result_of(run_on(home_, [&] { return daemon_.listen(rdma_cm_port); }), EADDRINUSE);
}

// LUNs

lio::Result<void> Engine::add_lun(lio::TpgId id, std::uint16_t lun, lio::DeviceId device,
                                  const lio::LunAccess& access) {
  return add([this, id, lun] { return lun_name(tpgs_.at(id), lun); },
             [this, id, lun, wanted = LinkedLun{device, access}, patient = is_patient()] {
               return link_lun(id, lun, wanted, patient);
             });
}

// What a patient thread was told is there has to be there for what it does next.
Expected<void> Engine::link_lun(lio::TpgId id, std::uint16_t lun, const LinkedLun& wanted,
                                bool patient) {
  Tpg& tpg = tpgs_.at(id);
  Device& device = devices_.at(wanted.device);
  Expected<void> shown;
  if (device.store) shown = show(wanted.device, device, tpg, lun, wanted.access);
  if (!shown && !patient) return shown;
  device.links.emplace_back(id, lun);
  tpg.luns[lun] = {wanted.device, wanted.access, !shown};
  return shown;
}

void Engine::remove_lun(lio::TpgId id, std::uint16_t lun) {
  const auto unlink = [&] {
    Tpg& tpg = tpgs_.at(id);
    Device& device = devices_.at(tpg.luns.at(lun).device);
    std::erase(device.links, std::pair(id, lun));
    std::erase_if(tpg.mapped_later, [&](const auto& each) { return each.lun.port_lun == lun; });
    tpg.luns.erase(lun);
    forget_failure(lun_name(tpg, lun));
    hide(device);
  };
  must(run_on_until_done(home_, [&](auto done) -> Expected<void> {
    const Tpg& tpg = tpgs_.at(id);
    const auto removed = [=](bool) {
      unlink();
      done();
    };
    if (!is_later(tpg, lun)) return target_.remove_lun(tpg.handle, lun, removed);
    removed(false);
    return {};
  }));
}

bool Engine::is_later(const Tpg& tpg, std::uint16_t lun) const {
  const auto found = tpg.luns.find(lun);
  return found != tpg.luns.end() &&
         (found->second.failed || !devices_.at(found->second.device).store);
}

void Engine::set_lun_access(lio::TpgId id, std::uint16_t lun, const lio::LunAccess& access) {
  runtime::run_later(home_, [this, id, lun, access] {
    const auto tpg = tpgs_.find(id);
    if (tpg == tpgs_.end()) return;
    const auto linked = tpg->second.luns.find(lun);
    if (linked == tpg->second.luns.end()) return;
    linked->second.access = access;
    // It may be on its way out.
    static_cast<void>(target_.set_lun_access(tpg->second.handle, lun, port_access(access)));
  });
}

// Initiators

lio::Result<void> Engine::add_acl(lio::TpgId id, std::string_view initiator) {
  auto key = target::AclKey::parse(initiator);
  if (!key) return tree::fail(EINVAL, key.error().cause, key.error().remedy);
  return result_of(run_on(home_, [&] { return target_.add_acl(tpgs_.at(id).handle, *key); }),
                   EEXIST);
}

void Engine::remove_acl(lio::TpgId id, std::string_view initiator) {
  must(run_on_until_done(home_, [&](auto done) {
    Tpg& tpg = tpgs_.at(id);
    std::erase_if(tpg.mapped_later, [&](const auto& each) { return each.initiator == initiator; });
    return target_.remove_acl(tpg.handle, initiator, std::move(done));
  }));
}

Engine::MappedLater* Engine::find_later(Tpg& tpg, std::string_view initiator,
                                        std::uint16_t mapped) {
  const auto found = std::find_if(
      tpg.mapped_later.begin(), tpg.mapped_later.end(),
      [&](const auto& each) { return each.lun.number == mapped && each.initiator == initiator; });
  return found == tpg.mapped_later.end() ? nullptr : &*found;
}

lio::Result<void> Engine::map_lun(lio::TpgId id, std::string_view initiator, std::uint16_t mapped,
                                  std::uint16_t lun, bool write_protect) {
  const target::MappedLun wanted{mapped, lun, write_protect};
  return add([this, id, name = std::string(initiator),
              mapped] { return mapped_name(tpgs_.at(id), name, mapped); },
             [this, id, name = std::string(initiator), wanted]() -> Expected<void> {
               Tpg& tpg = tpgs_.at(id);
               if (!is_later(tpg, static_cast<std::uint16_t>(wanted.port_lun)))
                 return target_.map_lun(tpg.handle, name, wanted);
               tpg.mapped_later.push_back({name, wanted});
               return {};
             });
}

// Also of a LUN that has gone, and its mappings with it: then there is nothing to do.
void Engine::unmap_lun(lio::TpgId id, std::string_view initiator, std::uint16_t mapped) {
  static_cast<void>(run_on_until_done(home_, [&](auto done) -> Expected<void> {
    Tpg& tpg = tpgs_.at(id);
    forget_failure(mapped_name(tpg, initiator, mapped));
    if (const auto* later = find_later(tpg, initiator, mapped); later != nullptr) {
      tpg.mapped_later.erase(tpg.mapped_later.begin() + (later - tpg.mapped_later.data()));
      done();
      return {};
    }
    return target_.unmap_lun(tpg.handle, initiator, mapped, [done](bool) { done(); });
  }));
}

lio::Result<void> Engine::write_protect(lio::TpgId id, std::string_view initiator,
                                        std::uint16_t mapped, bool protect) {
  return result_of(run_on(home_, [&]() -> Expected<void> {
    Tpg& tpg = tpgs_.at(id);
    auto* const later = find_later(tpg, initiator, mapped);
    if (later == nullptr) return target_.set_write_protect(tpg.handle, initiator, mapped, protect);
    later->lun.write_protected = protect;
    return {};
  }));
}

// Questions. The loop never waits for the tree, so that waiting a turn of it is short.

lio::Counters Engine::device_counters(lio::DeviceId id) const {
  return run_on(home_, [&] {
    const Device& device = devices_.at(id);
    lio::Counters counters = device.past;
    if (device.lu) counters += counters_of(*device.lu);
    return counters;
  });
}

lio::Counters Engine::lun_counters(lio::TpgId id, std::uint16_t lun) const {
  const auto count = run_on(home_, [&] { return target_.lun_count(tpgs_.at(id).handle, lun); });
  return counters_of(count.value_or(scsi::IoCount{}));
}

lio::Counters Engine::mapped_counters(lio::TpgId id, std::string_view initiator,
                                      std::uint16_t mapped) const {
  const auto count = run_on(
      home_, [&] { return target_.mapped_lun_count(tpgs_.at(id).handle, initiator, mapped); });
  return counters_of(count.value_or(scsi::IoCount{}));
}

std::vector<lio::SessionRow> Engine::sessions(lio::TpgId id, std::string_view initiator) const {
  std::vector<lio::SessionRow> rows;
  must(run_on_until_done(home_, [&](auto done) -> Expected<void> {
    const target::PortHandle port = tpgs_.at(id).handle;
    target_.list_sessions([&rows, initiator, port, done](const auto& all) {
      for (const target::SessionInfo& session : all) {
        if (session.port_handle == port && session.acl == initiator)
          rows.push_back({session.id, session.acl, session.peer});
      }
      done();
    });
    return {};
  }));
  return rows;
}

}  // namespace srpd::control
