// Protection information of the devices of the engine. A device gets and loses it while no LUN
// shows it; what is kept of its blocks stays where it is, as on LIO.
#include <cerrno>
#include <mutex>
#include <utility>

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
Expected<Engine::StoreInUse> Engine::with_protection(
    std::shared_ptr<store::Backstore> plain, const lio::DeviceSpec& spec,
    const lio::DeviceAttributes& attributes) const {
  const store::Protection wanted = protection_of(attributes, *plain);
  const auto specification = store_specification(spec);
  if (wanted.type == store::ProtectionType::none || !specification ||
      !store::can_protect(specification->type))
    return StoreInUse{std::move(plain), nullptr};
  auto made = store::protect(std::move(plain), *specification, wanted, home_);
  if (!made) return tl::make_unexpected(made.error());
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
  };
  Known known = run_on(home_, [&] {
    const Device& device = devices_.at(id);
    return Known{{device.store, device.protection}, device.spec, device.attributes};
  });
  if (!known.in_use.store || same_protection(known.attributes, attributes)) return {};
  if (attributes.block_size < known.in_use.store->properties().block_size) return {};  // refused
  auto& present = known.in_use.protection;
  if (!present) {
    auto made = with_protection(std::move(known.in_use.store), known.spec, attributes);
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

lio::Result<void> Engine::format_protection(lio::DeviceId id) {
  const auto protection = run_on(home_, [&] { return devices_.at(id).protection; });
  if (!protection)
    return tree::fail(ENODEV, "the device is not there yet, or keeps nothing",
                      "format it when it has come");
  if (auto formatted = protection->format(); !formatted) return failed(formatted.error());
  return {};
}

}  // namespace srpd::control
