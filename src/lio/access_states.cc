#include "lio/access_states.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "lio/device.h"
#include "lio/hba.h"
#include "lio/lun.h"
#include "lio/metadata.h"
#include "lio/model.h"
#include "lio/port.h"
#include "lio/port_group.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

/// An object that may be saved, and where.
struct Saved {
  tree::Id id = 0;
  std::string file;
};

template <class Kind>
void for_each_child(const tree::Directory* parent, const std::function<void(Kind&)>& visit) {
  if (!parent) return;
  parent->for_each_made([&](tree::Entry& entry) {
    if (auto* const child = dynamic_cast<Kind*>(&entry)) visit(*child);
  });
}

void add_groups(const Device& device, std::vector<Saved>& out) {
  const auto add = [&](const PortGroup& group) {
    if (const auto metadata = group.metadata())
      out.push_back({group.id(), place_of_metadata(device.model(), metadata->path)});
  };
  add(device.port_groups().default_group());
  for_each_child<PortGroup>(&device.port_groups(), add);
}

void add_lun(const Lun& lun, std::vector<Saved>& out) {
  if (lun.device())
    out.push_back({lun.id(), place_of_metadata(lun.tpg().model(), lun.metadata().path)});
}

std::vector<Saved> find_saved(const tree::Directory& root) {
  std::vector<Saved> found;
  const tree::Directory* const target = root.find_directory("target");
  if (!target) return found;
  for_each_child<Hba>(target->find_directory("core"), [&](Hba& hba) {
    for_each_child<Device>(&hba, [&](Device& device) { add_groups(device, found); });
  });
  for_each_child<Port>(target->find_directory("srpt"), [&](Port& port) {
    for_each_child<Tpg>(&port, [&](Tpg& tpg) {
      for_each_child<Lun>(tpg.find_directory("lun"), [&](Lun& lun) { add_lun(lun, found); });
    });
  });
  return found;
}

/// Of a file of KEY=VALUE lines.
std::optional<std::uint16_t> number_in(std::string_view text, std::string_view key) {
  for (const std::string_view item : split_items(text)) {
    const auto value = value_of(item, key);
    if (!value) continue;
    const auto parsed = parse_number<std::uint16_t>(*value);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  return std::nullopt;
}

bool is_octet(const std::optional<std::uint16_t>& value) { return value && *value <= UINT8_MAX; }

bool restore(Change& change, PortGroup& group, std::string_view text) {
  const auto id = number_in(text, "tg_pt_gp_id");
  const auto state = number_in(text, "alua_access_state");
  const auto status = number_in(text, "alua_access_status");
  if (!id || *id != group.state().id || !is_octet(state) || !is_octet(status)) return false;
  return group.restore(change, static_cast<std::uint8_t>(*state),
                       static_cast<std::uint8_t>(*status));
}

bool restore(Change& change, Lun& lun, std::string_view text) {
  const auto offline = number_in(text, "alua_tg_pt_offline");
  const auto status = number_in(text, "alua_tg_pt_status");
  if (!offline || *offline > 1 || !status || *status > 2) return false;
  lun.restore_secondary(change, *offline == 1, static_cast<std::uint8_t>(*status));
  return true;
}

}  // namespace

void take_over_access_states(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                             const std::vector<AccessChange>& changes) {
  const auto place = tree.resolve("target/core/" + spec.hba + "/" + spec.name);
  if (!place) return;
  static_cast<void>(tree.change(*place, [&](Change& change, tree::Directory& directory) {
    auto* const here = dynamic_cast<Device*>(&directory);
    if (here && here->device_id() == device) here->port_groups().take_over(change, changes);
  }));
}

void restore_access_states(tree::Tree& tree) {
  const auto all = tree.inspect([](const tree::Directory& root) { return find_saved(root); });
  for (const Saved& saved : all) {
    std::ifstream in(saved.file);
    if (saved.file.empty() || !in) continue;
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    bool understood = false;
    static_cast<void>(tree.change(saved.id, [&](Change& change, tree::Directory& directory) {
      if (auto* const group = dynamic_cast<PortGroup*>(&directory))
        understood = restore(change, *group, text);
      else if (auto* const lun = dynamic_cast<Lun*>(&directory))
        understood = restore(change, *lun, text);
    }));
    if (!understood) log::warning("{}: no ALUA state that could be restored", saved.file);
  }
}

}  // namespace srpd::lio
