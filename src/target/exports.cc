#include "target/exports.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "scsi/lu.h"

namespace srpd::target {
namespace {

std::string text_of(std::uint32_t number) { return "LUN " + std::to_string(number); }

View& view_of(scsi::ItlNexus& itl) { return static_cast<View&>(itl); }

Expected<void> check_number(const std::string& object, std::uint32_t number) {
  if (number <= scsi::LunMap::max_number) return {};
  return failure(object, "the number is too large",
                 "use 0 to " + std::to_string(scsi::LunMap::max_number));
}

}  // namespace

// Views and what they are of

View::View(Nexus& of, PortLun& from, std::uint32_t at, std::shared_ptr<scsi::IoCounters> count,
           bool protect, bool shared)
    : ItlNexus(at, std::move(count), protect, from.unit_port, of.scsi.name()),
      nexus(&of),
      lun(&from),
      shared_counters(shared) {
  from.views.insert(this);
  of.scsi.luns().add(*this);
}

View::~View() {
  if (lun == nullptr) return;
  lun->views.erase(this);
  if (!shared_counters) lun->past += counters->sum();
}

PortLun::PortLun(const Lun& description, const scsi::TargetPort& port)
    : number(description.number),
      lu(description.lu),
      write_protected(description.write_protected),
      unit_port(std::make_shared<scsi::UnitPort>(port.relative_target_port, description.access,
                                                 description.number)),
      target(port.name),
      tag(port.portal_group_tag) {
  lu->add_export();
  lu->port_groups().add(*unit_port);
}

PortLun::~PortLun() {
  CHECK(mappings.empty());
  for (View* const view : views) view->lun = nullptr;
  lu->port_groups().remove(*unit_port);
  lu->reservations().forget_port(target, tag);
  lu->remove_export();
}

scsi::IoCount PortLun::io_count() const {
  scsi::IoCount all = past;
  for (const Mapping* const mapping : mappings) all += mapping->counters->sum();
  for (const View* const view : views)
    if (!view->shared_counters) all += view->counters->sum();
  return all;
}

void PortLun::list_io(const std::string& port, std::vector<IoRow>& rows) const {
  const auto add = [&](const std::string& initiator, const scsi::IoCounters& counters) {
    rows.push_back({.port = port,
                    .lun = number,
                    .unit = lu->identity().name,
                    .initiator = initiator,
                    .cells = counters.memory()});
  };
  for (const Mapping* const mapping : mappings) add(mapping->acl.key.text(), *mapping->counters);
  for (const View* const view : views)
    if (!view->shared_counters && view->nexus != nullptr)
      add(view->nexus->scsi.initiator_name(), *view->counters);
}

Mapping::Mapping(Acl& of, PortLun& from, const MappedLun& description, std::size_t loops)
    : acl(of),
      lun(from),
      number(description.number),
      write_protected(description.write_protected),
      counters(std::make_shared<scsi::IoCounters>(from.lu, loops)),
      place{of.name, of.key.unknown_bytes(), from.unit_port, description.number} {
  lun.mappings.insert(this);
  lun.lu->reservations().add(place);
}

Mapping::~Mapping() {
  lun.lu->reservations().remove(place);
  lun.mappings.erase(this);
  lun.past += counters->sum();
}

Acl::Acl(AclKey names, const scsi::TargetPort& port)
    : key(std::move(names)),
      name(std::make_shared<const scsi::NexusName>(
          scsi::NexusName{key.text(), port.name, port.portal_group_tag, key.port_id()})) {}

// Nexuses

Nexus::Nexus(Key identity, std::string name, std::string at, const scsi::TargetPort& target,
             std::string reserved_as)
    : key(std::move(identity)),
      host(std::move(at)),
      scsi(std::move(name), std::get<0>(key), target, std::move(reserved_as)) {}

Nexus::~Nexus() {
  if (port != nullptr) port->leave(*this);
  Views last;
  take_all(last);
}

void Nexus::take(View& view, Views& taken) {
  scsi.luns().remove(view);
  view.nexus = nullptr;
  taken.emplace_back(&view);
}

void Nexus::take_all(Views& taken) {
  std::vector<View*> all;
  all.reserve(scsi.luns().size());
  scsi.luns().for_each([&](scsi::ItlNexus& itl) { all.push_back(&view_of(itl)); });
  for (View* const view : all) take(*view, taken);
}

void LunNews::changed(Nexus& nexus) {
  if (std::exchange(nexus.told_later, true)) return;
  nexuses_.push_back(&nexus);
  home_.defer(tell_);
}

void LunNews::forget(Nexus& nexus) {
  if (std::exchange(nexus.told_later, false)) std::erase(nexuses_, &nexus);
}

// A LUN that is new itself begins with the condition of power on.
void LunNews::tell() {
  for (Nexus* const nexus : std::exchange(nexuses_, {})) {
    nexus->told_later = false;
    nexus->scsi.luns().for_each([](scsi::ItlNexus& itl) {
      if (!std::exchange(view_of(itl).fresh, false))
        itl.raise(scsi::UnitAttention::reported_luns_changed);
    });
  }
}

// Ports

Port::Port(const PortDescription& description, LunNews& news, std::size_t loops)
    : scsi(description.scsi),
      shares_identifier(description.shares_identifier),
      any_identifier(description.any_identifier),
      enabled(description.enabled),
      open(description.open),
      limits(description.limits),
      news_(news),
      loops_(loops) {}

Port::~Port() {
  for (Nexus* const nexus : nexuses_) {
    news_.forget(*nexus);
    nexus->port = nullptr;
    nexus->acl = nullptr;
    nexus->open = false;
  }
  acls_.clear();  // mappings go before what they map
}

Expected<PortLun*> Port::lun(std::uint32_t number) const {
  const auto found = luns_.find(number);
  if (found != luns_.end()) return found->second.get();
  return failure(name() + ", " + text_of(number), "the port has no LUN " + std::to_string(number),
                 "name a LUN that the port has");
}

Expected<Acl*> Port::acl(std::string_view text) const {
  const auto found = acl_by_text_.find(text);
  if (found != acl_by_text_.end()) return &*found->second;
  return failure(name() + ", ACL " + std::string(text), "there is no such ACL",
                 "use its text as it was added");
}

Expected<Mapping*> Port::mapping(std::string_view text, std::uint32_t number) const {
  const auto of = acl(text);
  if (!of) return tl::unexpected(of.error());
  const auto found = (*of)->luns.find(number);
  if (found != (*of)->luns.end()) return found->second.get();
  return failure(name() + ", ACL " + std::string(text), "it has no " + text_of(number),
                 "map a LUN of the port to this number first");
}

Expected<void> Port::add_lun(const Lun& description) {
  const std::string object = name() + ", " + text_of(description.number);
  if (auto good = check_number(object, description.number); !good) return good;
  const auto [at, is_new] = luns_.try_emplace(description.number);
  if (!is_new) return failure(object, "it is there twice", "give each LUN its own number");
  at->second = std::make_unique<PortLun>(description, scsi);
  for (Nexus* const nexus : open_nexuses_) {
    show_lun(*nexus, *at->second);
    news_.changed(*nexus);
  }
  return {};
}

Expected<void> Port::remove_lun(std::uint32_t number, Views& taken) {
  const auto found = lun(number);
  if (!found) return tl::unexpected(found.error());
  PortLun& gone = **found;
  const std::vector<Mapping*> mappings(gone.mappings.begin(), gone.mappings.end());
  for (Mapping* const mapping : mappings) mapping->acl.luns.erase(mapping->number);
  // Also those of nexuses that are on their way out and see no other change.
  for (View* const view : gone.views) {
    if (view->nexus == nullptr) continue;
    news_.changed(*view->nexus);
    view->nexus->take(*view, taken);
  }
  luns_.erase(number);
  return {};
}

Expected<void> Port::set_lun_access(std::uint32_t number, const scsi::PortAccess& access) {
  const auto found = lun(number);
  if (!found) return tl::unexpected(found.error());
  (*found)->lu->port_groups().set_access(*(*found)->unit_port, access);
  return {};
}

void Port::set_relative_port(std::uint16_t relative_port) {
  scsi.relative_target_port = relative_port;
  for (const auto& [number, lun] : luns_) lun->unit_port->relative_port = relative_port;
}

Expected<void> Port::add_acl(AclKey key, Views& taken) {
  if (acl_by_text_.contains(key.text()))
    return failure(name() + ", ACL " + key.text(), "it is there already", "use the one there is");
  const auto at = acls_.emplace(acls_.end(), std::move(key), scsi);
  acl_by_text_.emplace(at->key.text(), at);
  const std::vector<Nexus*> open_ones(open_nexuses_.begin(), open_nexuses_.end());
  for (Nexus* const nexus : open_ones) {
    if (!at->key.matches(nexus->scsi.initiator(), nexus->host)) continue;
    nexus->take_all(taken);
    open_nexuses_.erase(nexus);
    nexus->open = false;
    nexus->acl = &*at;
    at->nexuses.insert(nexus);
  }
  return {};
}

Expected<void> Port::remove_acl(std::string_view text, std::vector<Nexus*>& orphans) {
  const auto found = acl(text);
  if (!found) return tl::unexpected(found.error());
  orphans.assign((*found)->nexuses.begin(), (*found)->nexuses.end());
  for (Nexus* const nexus : orphans) nexus->acl = nullptr;
  const auto at = acl_by_text_.find(text);
  const auto node = at->second;
  acl_by_text_.erase(at);
  acls_.erase(node);
  return {};
}

Expected<void> Port::map_lun(std::string_view text, const MappedLun& description) {
  const std::string object =
      name() + ", ACL " + std::string(text) + ", " + text_of(description.number);
  const auto of = acl(text);
  if (!of) return tl::unexpected(of.error());
  const auto from = lun(description.port_lun);
  if (!from) return failure(object, from.error().cause, from.error().remedy);
  if (auto good = check_number(object, description.number); !good) return good;
  const auto [at, is_new] = (*of)->luns.try_emplace(description.number);
  if (!is_new)
    return failure(object, "it is there twice", "give each LUN of a host its own number");
  at->second = std::make_unique<Mapping>(**of, **from, description, loops_);
  for (Nexus* const nexus : (*of)->nexuses) {
    show_lun(*nexus, *at->second);
    news_.changed(*nexus);
  }
  return {};
}

Expected<void> Port::unmap_lun(std::string_view text, std::uint32_t number, Views& taken) {
  const auto found = mapping(text, number);
  if (!found) return tl::unexpected(found.error());
  Acl& of = (*found)->acl;
  for (Nexus* const nexus : of.nexuses) {
    nexus->take(view_of(*nexus->scsi.luns().at(number)), taken);
    news_.changed(*nexus);
  }
  of.luns.erase(number);
  return {};
}

// The WP bit of the mode parameter header tells hosts (SBC-4 6.5.1).
Expected<void> Port::set_write_protect(std::string_view text, std::uint32_t number, bool on) {
  const auto found = mapping(text, number);
  if (!found) return tl::unexpected(found.error());
  Mapping& changed = **found;
  if (std::exchange(changed.write_protected, on) == on || changed.lun.write_protected) return {};
  for (Nexus* const nexus : changed.acl.nexuses) {
    scsi::ItlNexus& itl = *nexus->scsi.luns().at(number);
    itl.write_protected.store(on, std::memory_order_relaxed);
    itl.raise(scsi::UnitAttention::mode_parameters_changed);
  }
  return {};
}

void Port::remove_everything(Views& taken) {
  std::vector<Nexus*> orphans;
  while (!acls_.empty()) {
    const auto removed = remove_acl(acls_.front().key.text(), orphans);
    CHECK(removed.has_value());
  }
  while (!luns_.empty()) {
    const auto removed = remove_lun(luns_.begin()->first, taken);
    CHECK(removed.has_value());
  }
}

// Logins

Acl* Port::find_acl(const scsi::PortId& initiator, std::string_view host) {
  const auto found = std::find_if(acls_.begin(), acls_.end(), [&](const Acl& candidate) {
    return candidate.key.matches(initiator, host);
  });
  return found == acls_.end() ? nullptr : &*found;
}

void Port::show_lun(Nexus& nexus, PortLun& lun) {
  // Belongs to the nexus from here on.
  new View(nexus, lun, lun.number, std::make_shared<scsi::IoCounters>(lun.lu, loops_),
           lun.write_protected, false);
}

void Port::show_lun(Nexus& nexus, Mapping& mapping) {
  new View(nexus, mapping.lun, mapping.number, mapping.counters,
           mapping.write_protected || mapping.lun.write_protected, true);
}

void Port::show(Nexus& nexus, Acl* acl) {
  nexus.port = this;
  nexus.acl = acl;
  nexus.open = acl == nullptr;
  nexuses_.insert(&nexus);
  if (acl != nullptr) {
    acl->nexuses.insert(&nexus);
    for (const auto& [number, mapping] : acl->luns) show_lun(nexus, *mapping);
  } else {
    open_nexuses_.insert(&nexus);
    for (const auto& [number, lun] : luns_) show_lun(nexus, *lun);
  }
  nexus.scsi.luns().for_each([](scsi::ItlNexus& itl) { view_of(itl).fresh = false; });
}

void Port::leave(Nexus& nexus) {
  news_.forget(nexus);
  if (nexus.acl != nullptr) nexus.acl->nexuses.erase(&nexus);
  open_nexuses_.erase(&nexus);
  nexuses_.erase(&nexus);
}

Expected<scsi::IoCount> Port::lun_count(std::uint32_t number) const {
  const auto found = lun(number);
  if (!found) return tl::unexpected(found.error());
  return (*found)->io_count();
}

Expected<scsi::IoCount> Port::mapped_lun_count(std::string_view acl, std::uint32_t number) const {
  const auto found = mapping(acl, number);
  if (!found) return tl::unexpected(found.error());
  return (*found)->counters->sum();
}

std::optional<std::uint32_t> Port::list_io(std::uint32_t from, std::size_t most,
                                           std::vector<IoRow>& rows) const {
  const std::size_t before = rows.size();
  if (luns_.size() <= most && from == 0) {
    // Few LUNs with many initiators each are as much work as many LUNs.
    std::size_t all = 0;
    for (const auto& [number, lun] : luns_) all += lun->mappings.size() + lun->views.size();
    if (all <= most) {
      for (const auto& [number, lun] : luns_) lun->list_io(scsi.name, rows);
      return std::nullopt;
    }
  }
  std::size_t visited = 0;
  for (std::uint32_t number = from; number <= scsi::LunMap::max_number; ++number) {
    if (visited++ >= most || rows.size() - before >= most) return number;
    if (const auto found = luns_.find(number); found != luns_.end())
      found->second->list_io(scsi.name, rows);
  }
  return std::nullopt;
}

// All of them

Expected<PortHandle> Ports::add(const PortDescription& description) {
  for (const auto& [handle, port] : ports_)
    if (port->scsi.id == description.scsi.id &&
        !(port->shares_identifier && description.shares_identifier))
      return failure("target port " + description.scsi.name, "another port has the same identifier",
                     "give each port its own identifier");
  if (auto good = check(description.limits); !good) return tl::unexpected(good.error());
  auto made = std::make_unique<Port>(description, news_, loops_);
  Views none;
  for (const Lun& lun : description.luns)
    if (auto added = made->add_lun(lun); !added) return tl::unexpected(added.error());
  for (const NodeAcl& acl : description.acls) {
    if (auto added = made->add_acl(acl.key, none); !added) return tl::unexpected(added.error());
    for (const MappedLun& lun : acl.luns)
      if (auto mapped = made->map_lun(acl.key.text(), lun); !mapped)
        return tl::unexpected(mapped.error());
  }
  const PortHandle handle{++last_handle_};
  made->handle = handle;
  ports_.emplace(handle, std::move(made));
  return handle;
}

Expected<Port*> Ports::find(PortHandle handle) const {
  const auto found = ports_.find(handle);
  if (found != ports_.end()) return found->second.get();
  return failure("target port", "it was removed", "add it again");
}

std::unique_ptr<Port> Ports::take(PortHandle handle) {
  const auto node = ports_.extract(handle);
  return node.empty() ? nullptr : std::move(node.mapped());
}

std::vector<PortInfo> Ports::list() const {
  std::vector<PortInfo> infos;
  for (const auto& [handle, port] : ports_) {
    const PortInfo info{handle, port->scsi, port->enabled, port->limits};
    const auto same = std::find_if(infos.begin(), infos.end(), [&](const PortInfo& other) {
      return other.scsi.id == info.scsi.id;
    });
    if (same == infos.end()) {
      infos.push_back(info);
    } else if (!same->enabled && info.enabled) {
      *same = info;
    }
  }
  return infos;
}

// A port with just this identifier, else those that take any. Of several reasons to refuse the one
// that is nearest to success is told.
srp::LoginFault Ports::find_access(const scsi::PortId& target, const scsi::PortId& initiator,
                                   std::string_view host, Access& access) const {
  const bool exact = std::any_of(ports_.begin(), ports_.end(), [&](const auto& entry) {
    return entry.second->scsi.id == target;
  });
  srp::LoginFault fault = srp::LoginFault::unknown_target_port;
  for (const auto& [handle, port] : ports_) {
    if (exact ? port->scsi.id != target : !port->any_identifier) continue;
    if (!port->enabled) {
      if (fault == srp::LoginFault::unknown_target_port) fault = srp::LoginFault::port_disabled;
      continue;
    }
    access = {port.get(), port->find_acl(initiator, host)};
    if (access.acl != nullptr || port->open) return srp::LoginFault::ok;
    fault = srp::LoginFault::no_acl;
  }
  return fault;
}

}  // namespace srpd::target
