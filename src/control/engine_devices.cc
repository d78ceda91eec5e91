// The devices of the engine: opening, waiting for what is not there, and what they are to hosts.
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "control/engine.h"
#include "control/engine_values.h"
#include "control/reservation_values.h"
#include "control/tree_view.h"
#include "runtime/thread.h"
#include "store/new_size.h"
#include "store/registry.h"

namespace srpd::control {
namespace {

using runtime::run_on;

/// What LIO says of a path that a SCSI disk cannot have.
int wrong_path(const lio::DeviceSpec& spec) {
  if (spec.plugin != lio::Plugin::pscsi || spec.udev_path.empty()) return 0;
  std::error_code error;
  const auto found = std::filesystem::status(spec.udev_path, error);
  if (!std::filesystem::exists(found)) return ENOENT;
  const bool file = std::filesystem::is_regular_file(found) || std::filesystem::is_directory(found);
  return file ? ENOTBLK : 0;
}

std::string name_of(const lio::DeviceSpec& spec) { return spec.hba + "/" + spec.name; }

/// That targetcli gives it.
std::string saved_name_of(const lio::DeviceSpec& spec) {
  const BackstoreKind* const kind = kind_of_hba(spec.hba);
  return "/backstores/" + std::string(kind != nullptr ? kind->plugin : spec.hba) + "/" + spec.name;
}

int number_of(const Error& error) { return error.number != 0 ? error.number : EINVAL; }

Expected<std::unique_ptr<store::Backstore>> open_store(const lio::DeviceSpec& spec, bool create,
                                                       runtime::Loop& home) {
  auto wanted = store_specification(spec);
  if (!wanted)
    return failure(spec.name, wanted.error().cause, wanted.error().remedy, wanted.error().code);
  wanted->create = create;
  auto store = store::open(*wanted, home);
  if (store) return store;
  Error error = store.error();
  if (const int wrong = wrong_path(spec); wrong != 0) error.number = wrong;
  // LIO asks for the block device and not for a file system's leave.
  if (spec.plugin == lio::Plugin::iblock && error.number == EROFS) error.number = EACCES;
  return tl::make_unexpected(std::move(error));
}

bool has_own_size(lio::Plugin plugin) {
  return plugin == lio::Plugin::iblock || plugin == lio::Plugin::pscsi;
}

/// LIO wants to be told the size of a file, and finds that of a block device by itself.
bool lacks_size(const lio::DeviceSpec& spec) {
  if (spec.plugin != lio::Plugin::fileio || spec.size) return false;
  std::error_code error;
  return std::filesystem::is_regular_file(*spec.path, error);
}

}  // namespace

Error error_of(const WaitingDevice& device) {
  const lio::DeviceSpec& spec = device.spec;
  const std::string path = spec.path.value_or(spec.udev_path);
  return {saved_name_of(spec),
          "it is waited for: " + (path.empty() ? "" : path + ": ") + device.why.cause,
          device.why.remedy};
}

void Engine::lend_from(runtime::PinnableMemory* memory) const {
  for (; memory != nullptr; memory = memory->next()) daemon_.lend(*memory);
}

lio::Result<lio::DeviceProperties> Engine::open_device(lio::DeviceId id,
                                                       const lio::DeviceSpec& spec,
                                                       const lio::DeviceAttributes& attributes,
                                                       const lio::Identity& identity) {
  const bool patient = is_patient();
  if (!patient && lacks_size(spec))
    return tree::fail(EINVAL, "fd_dev_size is missing", "write fd_dev_size=BYTES to control");
  auto store = open_store(spec, !patient, home_);
  if (!store && !patient) return tree::fail(number_of(store.error()), store.error().text());
  Device opened;
  opened.spec = spec;
  opened.attributes = attributes;
  opened.identity = identity;
  lio::DeviceProperties properties = lio::default_properties(spec);
  if (store) {
    properties = device_properties(spec, **store);
    take_over(properties, opened.identity);
    opened.store = home_owned(std::move(*store));
  } else {
    properties.waiting = true;
    opened.why = store.error();
    log::warning("{}: waiting for it: {}", name_of(spec), opened.why.text());
  }
  // Whatever comes next for this device comes after it.
  runtime::run_later(home_, [this, id, device = std::move(opened)]() mutable {
    if (device.store) lend_memory(*device.store);
    CHECK(devices_.emplace(id, std::move(device)).second);
  });
  return properties;
}

void Engine::close_device(lio::DeviceId id) {
  {
    const std::lock_guard lock(protected_mutex_);
    protected_.erase(id);
  }
  // When this returns the file is closed, unless a command keeps the store.
  run_on(home_, [&] {
    const auto found = devices_.find(id);
    CHECK(found != devices_.end() && found->second.links.empty());
    forget_failure(saved_name_of(found->second.spec));
    devices_.erase(found);
  });
}

lio::Result<void> Engine::set_attributes(lio::DeviceId id,
                                         const lio::DeviceAttributes& attributes) {
  if (concerns_protection(id, attributes)) {
    if (auto changed = change_protection(id, attributes); !changed) return changed;
  }
  const auto set = [this, id, attributes]() -> Expected<void> {
    Device& changed = devices_.at(id);
    const std::uint32_t least = changed.store ? changed.store->properties().block_size : 0;
    if (attributes.block_size < least)
      return failure(name_of(changed.spec),
                     "the blocks of the device have " + std::to_string(least) + " bytes",
                     "choose that or more");
    changed.attributes = attributes;
    if (changed.lu) changed.lu->change_attributes(unit_attributes(attributes, *changed.store));
    return {};
  };
  // Whether it can be done is known where the device has told its blocks.
  if (attributes.block_size >= attributes.hw_block_size) {
    return add([this, id] { return saved_name_of(devices_.at(id).spec); }, set);
  }
  const auto done = run_on(home_, set);
  if (!done) return tree::fail(EINVAL, done.error().cause, done.error().remedy);
  return {};
}

void Engine::set_identity(lio::DeviceId id, const lio::Identity& identity) {
  runtime::run_later(home_, [this, id, identity] {
    if (const auto changed = devices_.find(id); changed != devices_.end())
      changed->second.identity = identity;
  });
}

lio::Result<lio::Resized> Engine::resize_device(lio::DeviceId id, std::uint64_t bytes,
                                                bool may_shrink) {
  struct Known {
    std::shared_ptr<store::Backstore> store;
    runtime::PinnableMemory* memory;  ///< the last
    lio::Plugin plugin;
    Error why;
  };
  const Known known = run_on(home_, [&] {
    const Device& device = devices_.at(id);
    return Known{device.store, last_memory(device), device.spec.plugin, device.why};
  });
  if (bytes != 0 && has_own_size(known.plugin))
    return tree::fail(EINVAL, "its size is that of the device behind it",
                      "make that device larger (lvextend, the storage system); srpd notices it, "
                      "at once when resize is given no size");
  if (!known.store && bytes == 0)
    return tree::fail(ENODEV, "it is not there yet: " + known.why.cause, known.why.remedy);
  if (!known.store) return run_on(home_, [&] { return wait_for_size(id, bytes, may_shrink); });
  const std::uint64_t from = known.store->size();
  const auto resized = known.store->resize({bytes, may_shrink});
  if (!resized)
    return tree::fail(number_of(resized.error()), resized.error().cause, resized.error().remedy);
  // Until then adapters are told of what is new for each transfer.
  if (known.memory != nullptr && known.memory->next() != nullptr)
    run_on(home_, [&] { lend_from(known.memory->next()); });
  return lio::Resized{from, *resized};
}

runtime::PinnableMemory* Engine::last_memory(const Device& device) {
  if (!device.store) return nullptr;
  auto* memory = (device.protection ? *device.protection->plain() : *device.store).memory();
  while (memory != nullptr && memory->next() != nullptr) memory = memory->next();
  return memory;
}

/// What is waited for is opened with the size that was asked for last.
lio::Result<lio::Resized> Engine::wait_for_size(lio::DeviceId id, std::uint64_t bytes,
                                                bool may_shrink) {
  Device& device = devices_.at(id);
  const std::uint64_t from = device.spec.size.value_or(0);
  const auto checked = store::check_new_size(device.spec.name, from, bytes, may_shrink);
  if (!checked)
    return tree::fail(number_of(checked.error()), checked.error().cause, checked.error().remedy);
  device.spec.size = bytes;
  return lio::Resized{from, bytes};
}

// Its handler is in this process, and takes another size; nothing else.
lio::Result<void> Engine::reconfigure(lio::DeviceId id, const lio::DeviceSpec& spec,
                                      bool write_cache) {
  const bool only_size = run_on(home_, [&] {
    const Device& device = devices_.at(id);
    return device.spec.config == spec.config &&
           (device.attributes.emulate_write_cache != 0) == write_cache;
  });
  if (only_size && spec.size.value_or(0) != 0) {
    auto resized = resize_device(id, *spec.size, true);
    if (!resized) return tl::unexpected(resized.error());
    return {};
  }
  return tree::fail(ESRCH, "its handler cannot change a device that is in use",
                    "remove the device and make it anew");
}

void Engine::set_port_group(lio::DeviceId id, const lio::PortGroupState& group) {
  runtime::run_later(home_, [this, id, group] {
    const auto changed = devices_.find(id);
    if (changed == devices_.end()) return;
    changed->second.port_groups[group.id] = group;
    if (changed->second.lu) changed->second.lu->port_groups().set(target_port_group(group));
  });
}

void Engine::remove_port_group(lio::DeviceId id, std::uint16_t group) {
  runtime::run_later(home_, [this, id, group] {
    const auto changed = devices_.find(id);
    if (changed == devices_.end()) return;
    changed->second.port_groups.erase(group);
    if (changed->second.lu) changed->second.lu->port_groups().remove(group);
  });
}

void Engine::set_lu_group(lio::DeviceId id, std::optional<std::uint16_t> group) {
  runtime::run_later(home_, [this, id, group] {
    const auto changed = devices_.find(id);
    if (changed == devices_.end()) return;
    changed->second.lu_group = group;
    if (changed->second.lu) changed->second.lu->port_groups().set_unit_group(group);
  });
}

lio::Result<void> Engine::restore_registration(lio::DeviceId id,
                                               const lio::AptplRegistration& registration) {
  return run_on(home_, [&] {
    Device& device = devices_.at(id);
    scsi::ReservationState state =
        device.lu ? device.lu->reservations().state() : device.reservations;
    auto restored = add_registration(state, registration);
    if (!restored) return restored;
    if (device.lu)
      device.lu->reservations().restore(std::move(state));
    else
      device.reservations = std::move(state);
    return restored;
  });
}

lio::Reservations Engine::reservations(lio::DeviceId id) const {
  return run_on(home_, [&] {
    const auto found = devices_.find(id);
    if (found == devices_.end()) return lio::Reservations{};
    const Device& device = found->second;
    return device.lu ? shown_reservations(device.lu->reservations().state(),
                                          device.lu->reservations().reserved_by())
                     : shown_reservations(device.reservations, std::nullopt);
  });
}

// To hosts

void Engine::make_unit(lio::DeviceId id, Device& device) const {
  const std::uint32_t blocks = device.attributes.block_size;
  device.lu = std::make_shared<scsi::Lu>(unit_identity(device.spec.name, device.identity),
                                         unit_attributes(device.attributes, *device.store),
                                         device.store, blocks);
  scsi::TargetPortGroups& groups = device.lu->port_groups();
  for (const auto& [number, group] : device.port_groups) groups.set(target_port_group(group));
  groups.set_unit_group(device.lu_group);
  if (keep_)
    groups.set_recorder([keep = keep_, id, spec = device.spec](auto changes, auto done) {
      keep(id, spec, access_changes(changes), std::move(done));
    });
  scsi::Reservations& reservations = device.lu->reservations();
  reservations.restore(device.reservations);
  if (keep_registrations_)
    reservations.set_recorder([keep = keep_registrations_, id, spec = device.spec](
                                  const scsi::ReservationState& state, auto done) {
      keep(id, spec, registrations_text(state), std::move(done));
    });
}

Expected<void> Engine::show(lio::DeviceId id, Device& device, Tpg& tpg, std::uint16_t lun,
                            const lio::LunAccess& access) {
  if (!device.lu) make_unit(id, device);
  auto shown = target_.add_lun(tpg.handle, {lun, device.lu, false, port_access(access)});
  if (!shown && device.links.empty()) device.lu.reset();
  return shown;
}

void Engine::hide(Device& device) const {
  if (!device.lu || !device.links.empty()) return;
  device.past += counters_of(*device.lu);
  device.reservations = device.lu->reservations().state();
  device.lu.reset();
}

// What is not there yet

std::vector<WaitingDevice> Engine::waiting() const {
  return run_on(home_, [&] {
    std::vector<WaitingDevice> found;
    for (const auto& [id, device] : devices_)
      if (!device.store)
        found.push_back({id, device.spec, device.why, device.attributes, device.if_missing});
    return found;
  });
}

bool Engine::is_waiting(lio::DeviceId id) const {
  return run_on(home_, [&] {
    const auto found = devices_.find(id);
    return found != devices_.end() && !found->second.store;
  });
}

std::vector<Arrival> Engine::look_for_waiting() {
  std::vector<Arrival> arrivals;
  for (WaitingDevice& wanted : waiting()) {
    auto store = open_waiting(wanted);
    if (!store) {
      if (store.error().text() == wanted.why.text()) continue;
      log::warning("{}: still waiting for it: {}", name_of(wanted.spec), store.error().text());
      run_on(home_, [&] {
        if (const auto at = devices_.find(wanted.id); at != devices_.end())
          at->second.why = store.error();
      });
      continue;
    }
    auto properties = run_on(home_, [&] { return arrive(wanted, *store); });
    if (!properties) continue;
    log::info("{}: it is there now", name_of(wanted.spec));
    arrivals.push_back({wanted.id, std::move(wanted.spec), std::move(*properties)});
  }
  return arrivals;
}

// Protection information is part of what is waited for: without it data are not served that were
// to have it.
Expected<Engine::StoreInUse> Engine::open_waiting(const WaitingDevice& wanted) const {
  auto store = open_store(wanted.spec, false, home_);
  if (!store) return tl::make_unexpected(store.error());
  return with_protection(home_owned(std::move(*store)), wanted.spec, wanted.attributes,
                         wanted.protection);
}

// Nothing when it has been removed meanwhile, or is to be another one.
std::optional<lio::DeviceProperties> Engine::arrive(const WaitingDevice& wanted,
                                                    const StoreInUse& opened) {
  const auto found = devices_.find(wanted.id);
  if (found == devices_.end() || found->second.store) return std::nullopt;
  Device& device = found->second;
  if (device.spec.size != wanted.spec.size) return std::nullopt;
  if (!same_protection(device.attributes, wanted.attributes) ||
      device.if_missing != wanted.protection)
    return std::nullopt;
  store::Backstore& plain = opened.protection ? *opened.protection->plain() : *opened.store;
  auto properties = device_properties(device.spec, plain);
  device.store = opened.store;
  device.protection = opened.protection;
  lend_memory(plain);
  device.why = {};
  device.if_missing = {};
  take_over(properties, device.identity);
  adapt(device.attributes, properties);
  show_arrived(wanted.id, device);
  return properties;
}

void Engine::show_arrived(lio::DeviceId id, Device& device) {
  for (const auto& [tpg_id, lun] : device.links) {
    Tpg& tpg = tpgs_.at(tpg_id);
    LinkedLun& linked = tpg.luns.at(lun);
    const auto shown = show(id, device, tpg, lun, linked.access);
    linked.failed = !shown;
    note(lun_name(tpg, lun), shown);
    if (shown) show_mappings(tpg, lun);
  }
}

void Engine::show_mappings(Tpg& tpg, std::uint16_t lun) {
  for (auto each = tpg.mapped_later.begin(); each != tpg.mapped_later.end();) {
    if (each->lun.port_lun != lun) {
      ++each;
      continue;
    }
    note(mapped_name(tpg, each->initiator, each->lun.number),
         target_.map_lun(tpg.handle, each->initiator, each->lun));
    each = tpg.mapped_later.erase(each);
  }
}

}  // namespace srpd::control
