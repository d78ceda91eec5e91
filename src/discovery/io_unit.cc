#include "discovery/io_unit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/mad.h"

namespace srpd::discovery {
namespace {

constexpr std::size_t max_slots = 255;
constexpr std::size_t max_services = 255;
constexpr std::size_t max_name = sizeof(wire::mad::ServiceEntry::name);
constexpr std::size_t max_id = sizeof(wire::mad::IoControllerProfile::id);

Expected<void> check(const Controller& controller) {
  const std::string object = fmt::format("I/O controller {:016x}", controller.guid);
  if (controller.services.size() > max_services)
    return failure(object, fmt::format("it has {} services", controller.services.size()),
                   "give target ports another ioc_guid; a controller has room for 255");
  if (controller.id.size() > max_id)
    return failure(object, "its name '" + controller.id + "' is longer than 64 bytes");
  for (const Service& service : controller.services) {
    if (service.name.size() > max_name)
      return failure(object, "its service name '" + service.name + "' is longer than 40 bytes");
  }
  return {};
}

Expected<void> check(std::span<const Controller> controllers) {
  if (controllers.size() > max_slots)
    return failure("I/O unit", fmt::format("{} controllers", controllers.size()),
                   "serve at most 255 different ioc_guid");
  for (const Controller& controller : controllers) {
    if (auto fits = check(controller); !fits) return fits;
  }
  return {};
}

/// Of a container of controllers, const or not: the one with this GUID, or null.
auto find(auto&& controllers, std::uint64_t guid) -> decltype(&*controllers.begin()) {
  const auto found = std::find_if(controllers.begin(), controllers.end(),
                                  [guid](const Controller& c) { return c.guid == guid; });
  return found == controllers.end() ? nullptr : &*found;
}

bool holds(const std::map<std::uint8_t, Controller>& slots, std::uint64_t guid) {
  return std::any_of(slots.begin(), slots.end(),
                     [guid](const auto& slot) { return slot.second.guid == guid; });
}

void place(std::map<std::uint8_t, Controller>& slots, const Controller& controller) {
  std::uint8_t slot = 1;
  while (slots.count(slot) != 0) ++slot;
  slots.emplace(slot, controller);
}

}  // namespace

std::string service_name(std::uint64_t id_ext) {
  return fmt::format("{}{:016x}", service_prefix, id_ext);
}

std::optional<std::uint64_t> id_ext_of(const Service& service) {
  const std::string_view name = service.name;
  if (!name.starts_with(service_prefix)) return std::nullopt;
  const std::string_view digits = name.substr(service_prefix.size());
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::vector<Controller> controllers_of(std::span<const ServedPort> ports, const Hardware& hardware,
                                       std::uint32_t send_size) {
  std::vector<Controller> controllers;
  for (const ServedPort& port : ports) {
    Controller* controller = find(controllers, port.ioc_guid);
    if (controller == nullptr) {
      controller = &controllers.emplace_back();
      controller->guid = port.ioc_guid;
      controller->vendor = controller->subsystem_vendor = hardware.vendor;
      controller->device = hardware.device;
      controller->device_version = hardware.version;
      controller->send_size = send_size;
      controller->rdma_size = port.rdma_size;
    }
    controller->rdma_size = std::max(controller->rdma_size, port.rdma_size);
    controller->services.push_back({service_name(port.id_ext), port.service_id});
  }
  return controllers;
}

Expected<bool> update(IoUnit& unit, std::span<const Controller> controllers) {
  if (auto fits = check(controllers); !fits) return tl::make_unexpected(fits.error());
  std::map<std::uint8_t, Controller> slots;
  for (const auto& [slot, old] : unit.controllers) {
    if (const Controller* const wanted = find(controllers, old.guid)) slots.emplace(slot, *wanted);
  }
  for (const Controller& controller : controllers) {
    if (!holds(slots, controller.guid)) place(slots, controller);
  }
  if (slots == unit.controllers) return false;
  unit.controllers = std::move(slots);
  if (!unit.controllers.empty())
    unit.max_controllers = std::max(unit.max_controllers, unit.controllers.rbegin()->first);
  ++unit.change_id;
  return true;
}

}  // namespace srpd::discovery
