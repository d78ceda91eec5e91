// Protection information of the devices of the engine. A device gets and loses it while no LUN
// shows it; what is kept of its blocks stays where it is, as on LIO.
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "control/engine.h"
#include "control/engine_values.h"
#include "runtime/thread.h"
#include "store/registry.h"

namespace srpd::control {
namespace {

using runtime::run_on;

tl::unexpected<tree::Failure> failed(const Error& error) {
  return tree::fail(error.number != 0 ? error.number : EINVAL, error.text());
}

}  // namespace

/// `plain` as it is where the attributes ask for nothing else, and where nothing is kept (nullio).
Expected<Engine::StoreInUse> Engine::with_protection(std::shared_ptr<store::Backstore> plain,
                                                     const lio::DeviceSpec& spec,
                                                     const lio::DeviceAttributes& attributes,
                                                     MissingProtection if_missing) const {
  const store::Protection wanted = protection_of(attributes, *plain);
  auto specification = store_specification(spec);
  if (wanted.type == store::ProtectionType::none || !specification ||
      !store::can_protect(specification->type))
    return StoreInUse{std::move(plain), nullptr};
  specification->create = if_missing != MissingProtection::wait;
  auto made = store::protect(std::move(plain), *specification, wanted, home_);
  if (!made) return tl::make_unexpected(made.error());
  if (if_missing == MissingProtection::format) {
    if (auto formatted = (*made)->format(); !formatted)
      return tl::make_unexpected(formatted.error());
  }
  std::shared_ptr<store::ProtectedStore> store = home_owned(std::move(*made));
  return StoreInUse{store, store};
}

// Without asking home: ten thousand devices that have none shall not wait for it.
bool Engine::concerns_protection(lio::DeviceId id, const lio::DeviceAttributes& attributes) {
  const std::lock_guard lock(protected_mutex_);
  if (attributes.pi_prot_type != 0) protected_.insert(id);
  return protected_.contains(id);
}

lio::Result<void> Engine::change_protection(lio::DeviceId id,
                                            const lio::DeviceAttributes& attributes) {
  struct Known {
    StoreInUse in_use;
    lio::DeviceSpec spec;
    lio::DeviceAttributes attributes;
    bool shown = false;
  };
  const bool patient = is_patient();
  Known known = run_on(home_, [&] {
    Device& device = devices_.at(id);
    Known found{
        {device.store, device.protection}, device.spec, device.attributes, device.lu != nullptr};
    // It comes with these, or not at all.
    if (!device.store) plan_protection(device, attributes, patient);
    return found;
  });
  if (!known.in_use.store || same_protection(known.attributes, attributes)) return {};
  if (attributes.block_size < known.in_use.store->properties().block_size) return {};  // refused
  auto& present = known.in_use.protection;
  if (known.shown && (!present || attributes.pi_prot_type == 0))
    return tree::fail(EINVAL, "a LUN shows the device", "it can change when no LUN does");
  if (!present) {
    auto made = with_protection(std::move(known.in_use.store), known.spec, attributes,
                                patient ? MissingProtection::wait : MissingProtection::make);
    if (!made && patient) {
      wait_for_protection(id, attributes, made.error());
      return {};
    }
    if (!made) return failed(made.error());
    known.in_use = std::move(*made);
  } else if (attributes.pi_prot_type == 0) {
    known.in_use.store = present->plain();
    present.reset();
  } else if (attributes.block_size != known.attributes.block_size) {
    return tree::fail(EINVAL, "its protection information is that of blocks of another length",
                      "set pi_prot_type to 0 first");
  } else {
    present->set_rules(protection_of(attributes, *known.in_use.store));
    return {};
  }
  run_on(home_, [&] {
    Device& device = devices_.at(id);
    device.store = std::move(known.in_use.store);
    device.protection = std::move(known.in_use.protection);
  });
  return {};
}

/// Of a device that is waited for. What was restored was there before; what somebody sets now is
/// new.
void Engine::plan_protection(Device& device, const lio::DeviceAttributes& attributes,
                             bool restored) {
  if (attributes.pi_prot_type == 0)
    device.if_missing = MissingProtection::wait;
  else if (!restored && device.attributes.pi_prot_type == 0)
    device.if_missing = MissingProtection::make;
  device.attributes = attributes;
}

/// The data are there, and are not served without it.
void Engine::wait_for_protection(lio::DeviceId id, const lio::DeviceAttributes& attributes,
                                 const Error& why) {
  run_on(home_, [&] {
    Device& device = devices_.at(id);
    log::warning("{}/{}: waiting for it: {}", device.spec.hba, device.spec.name, why.text());
    device.store.reset();
    device.why = why;
    device.attributes = attributes;
  });
}

lio::Result<void> Engine::format_protection(lio::DeviceId id) {
  struct Known {
    std::shared_ptr<store::ProtectedStore> protection;
    bool shown = false, waiting = false;
  };
  const Known known = run_on(home_, [&] {
    Device& device = devices_.at(id);
    if (!device.store) device.if_missing = MissingProtection::format;
    return Known{device.protection, device.lu != nullptr, !device.store};
  });
  if (known.waiting) return {};
  if (known.shown)
    return tree::fail(EINVAL, "a LUN shows the device", "it can be formatted when no LUN does");
  if (!known.protection)
    return tree::fail(ENODEV, "this kind of backstore keeps nothing", "serve a file");
  if (auto formatted = known.protection->format(); !formatted) return failed(formatted.error());
  return {};
}

}  // namespace srpd::control
