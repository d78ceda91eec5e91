#include "discovery/attributes.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace srpd::discovery {
namespace {

using wire::mad::Attribute;
using wire::mad::Slot;
using wire::mad::Status;

/// 4.096 us * 2^20: about four seconds, as ib_srpt says.
constexpr std::uint8_t response_time = 20;

template <std::size_t Size>
void put(char (&field)[Size], const std::string& text) {
  std::memcpy(field, text.data(), std::min(Size, text.size()));
}

/// Up to the first zero; the last byte may be used.
template <std::size_t Size>
std::string get(const char (&field)[Size]) {
  return {field, ::strnlen(field, Size)};
}

template <wire::Layout T>
Answer reply(const T& layout) {
  Answer answer;
  std::memcpy(answer.data.data(), &layout, sizeof layout);
  return answer;
}

Answer refuse(Status status) {
  Answer answer;
  answer.status = status;
  return answer;
}

Answer class_port_info() {
  wire::mad::ClassPortInfo info{};
  info.base_version = wire::mad::base_version;
  info.class_version = wire::mad::device_management_version;
  info.response_time = response_time;
  return reply(info);
}

/// Slots from 1; odd ones are in the high half.
void set_slot(wire::mad::IoUnitInfo& info, unsigned slot, Slot value) {
  std::uint8_t& pair = info.slots[(slot - 1) / 2];
  const unsigned shift = slot % 2 == 1 ? 4 : 0;
  pair =
      static_cast<std::uint8_t>((pair & ~(0xfu << shift)) | static_cast<unsigned>(value) << shift);
}

Slot get_slot(const wire::mad::IoUnitInfo& info, unsigned slot) {
  const unsigned pair = info.slots[(slot - 1) / 2];
  return static_cast<Slot>(slot % 2 == 1 ? pair >> 4 : pair & 0xf);
}

Answer io_unit_info(const IoUnit& unit) {
  wire::mad::IoUnitInfo info{};
  info.change_id = unit.change_id;
  info.max_controllers = unit.max_controllers;
  for (const auto& slot : unit.controllers) set_slot(info, slot.first, Slot::present);
  return reply(info);
}

Answer profile(const Controller& controller) {
  wire::mad::IoControllerProfile out{};
  out.guid = controller.guid;
  out.vendor = controller.vendor;
  out.device = controller.device;
  out.device_version = controller.device_version;
  out.subsystem_vendor = controller.subsystem_vendor;
  out.subsystem = controller.subsystem;
  out.io_class = controller.io_class;
  out.io_subclass = controller.io_subclass;
  out.protocol = controller.protocol;
  out.protocol_version = controller.protocol_version;
  out.service_connections = controller.service_connections;
  out.initiators = controller.initiators;
  out.send_depth = controller.send_depth;
  out.read_depth = controller.read_depth;
  out.send_size = controller.send_size;
  out.rdma_size = controller.rdma_size;
  out.operations = controller.operations;
  out.service_entries = static_cast<std::uint8_t>(controller.services.size());
  put(out.id, controller.id);
  return reply(out);
}

/// The controller in the slot, or why there is none.
struct Found {
  const Controller* controller = nullptr;
  Status status = Status::ok;
};

Found in_slot(const IoUnit& unit, std::uint32_t slot) {
  if (slot == 0 || slot > unit.max_controllers) return {nullptr, Status::invalid_field};
  const auto found = unit.controllers.find(static_cast<std::uint8_t>(slot));
  if (found == unit.controllers.end()) return {nullptr, Status::no_controller};
  return {&found->second, Status::ok};
}

Answer io_controller_profile(const IoUnit& unit, std::uint32_t modifier) {
  const Found found = in_slot(unit, modifier);
  return found.controller == nullptr ? refuse(found.status) : profile(*found.controller);
}

/// Modifier: the slot above the last above the first entry that is asked for.
Answer service_entries(const IoUnit& unit, std::uint32_t modifier) {
  const std::size_t first = modifier & 0xff, last = modifier >> 8 & 0xff;
  const Found found = in_slot(unit, modifier >> 16);
  if (found.controller == nullptr) return refuse(found.status);
  const auto& services = found.controller->services;
  // ib_srpt answers so, too, where entries are asked for that it does not have.
  if (first > last || last >= services.size()) return refuse(Status::no_controller);
  if (last - first >= wire::mad::entries_per_attribute) return refuse(Status::invalid_field);
  Answer answer;
  for (std::size_t i = first; i <= last; ++i) {
    wire::mad::ServiceEntry entry{};
    put(entry.name, services[i].name);
    entry.id = services[i].id;
    std::memcpy(answer.data.data() + (i - first) * sizeof entry, &entry, sizeof entry);
  }
  return answer;
}

}  // namespace

Question ask_class_port_info() { return {Attribute::class_port_info, 0}; }
Question ask_io_unit() { return {Attribute::io_unit_info, 0}; }
Question ask_controller(std::uint8_t slot) { return {Attribute::io_controller_profile, slot}; }
Question ask_services(std::uint8_t slot, std::uint8_t first, std::uint8_t last) {
  return {Attribute::service_entries,
          static_cast<std::uint32_t>(slot) << 16 | static_cast<std::uint32_t>(last) << 8 | first};
}

Answer answer(const IoUnit& unit, const Question& question) {
  switch (question.attribute) {
    case Attribute::class_port_info:
      return class_port_info();
    case Attribute::io_unit_info:
      return io_unit_info(unit);
    case Attribute::io_controller_profile:
      return io_controller_profile(unit, question.modifier);
    case Attribute::service_entries:
      return service_entries(unit, question.modifier);
  }
  return refuse(Status::unsupported_attribute);
}

std::optional<UnitInfo> parse_io_unit(std::span<const std::byte> data) {
  const auto* info = wire::view<wire::mad::IoUnitInfo>(data);
  if (info == nullptr) return std::nullopt;
  UnitInfo unit{info->change_id, info->max_controllers, {}};
  for (unsigned slot = 1; slot <= info->max_controllers; ++slot) {
    if (get_slot(*info, slot) == Slot::present)
      unit.present.push_back(static_cast<std::uint8_t>(slot));
  }
  return unit;
}

std::optional<Profile> parse_controller(std::span<const std::byte> data) {
  const auto* in = wire::view<wire::mad::IoControllerProfile>(data);
  if (in == nullptr) return std::nullopt;
  Profile profile;
  Controller& controller = profile.controller;
  controller.guid = in->guid;
  controller.vendor = in->vendor;
  controller.device = in->device;
  controller.device_version = in->device_version;
  controller.subsystem_vendor = in->subsystem_vendor;
  controller.subsystem = in->subsystem;
  controller.io_class = in->io_class;
  controller.io_subclass = in->io_subclass;
  controller.protocol = in->protocol;
  controller.protocol_version = in->protocol_version;
  controller.service_connections = in->service_connections;
  controller.initiators = in->initiators;
  controller.send_depth = in->send_depth;
  controller.read_depth = in->read_depth;
  controller.send_size = in->send_size;
  controller.rdma_size = in->rdma_size;
  controller.operations = in->operations;
  controller.id = get(in->id);
  profile.service_entries = in->service_entries;
  return profile;
}

std::optional<std::vector<Service>> parse_services(std::span<const std::byte> data,
                                                   std::size_t count) {
  std::vector<Service> services;
  for (std::size_t i = 0; i < std::min(count, wire::mad::entries_per_attribute); ++i) {
    const std::size_t at = i * sizeof(wire::mad::ServiceEntry);
    const auto* entry =
        wire::view<wire::mad::ServiceEntry>(data.subspan(std::min(at, data.size())));
    if (entry == nullptr) return std::nullopt;
    services.push_back({get(entry->name), entry->id});
  }
  return services;
}

}  // namespace srpd::discovery
