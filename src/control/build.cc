#include "control/build.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "control/attributes.h"
#include "control/identity.h"
#include "store/pass_through.h"
#include "store/registry.h"

namespace srpd::control {
namespace {

constexpr std::uint32_t max_lun = scsi::LunMap::max_number;
constexpr std::size_t max_serial_length = 252;  // as LIO: with its newline below 254

using UnitsByPath = std::map<std::string, std::shared_ptr<scsi::Lu>, std::less<>>;

/// The same disk keeps its serial however it is named on the command line.
std::string what_is_served(const StorageObject& object) {
  if (object.store.path.empty()) return object.plugin + " " + object.store.name;
  const std::unique_ptr<char, decltype(&std::free)> real(
      ::realpath(object.store.path.c_str(), nullptr), &std::free);
  // A device is the same disk by fileio and by iblock.
  const std::string kind = object.plugin == "block" ? "fileio" : object.plugin;
  return kind + " " + (real ? real.get() : object.store.path);
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// A device without a serial number keeps the one that was made for it.
void take_over(const store::PassThrough::Identity& device, scsi::LuIdentity& identity) {
  identity.vendor = device.vendor;
  identity.product = device.product;
  identity.revision = device.revision;
  std::string serial = device.unit_serial;
  std::erase(serial, ' ');
  if (!serial.empty()) identity.unit_serial = std::move(serial);
}

class Builder {
 public:
  Builder(const Configuration& configuration, std::string_view machine, runtime::Loop& home)
      : configuration_(configuration), machine_(machine), home_(home) {}

  Built run() {
    for (const StorageObject& object : configuration_.storage_objects) add_unit(object);
    for (const Target& target : configuration_.targets)
      for (const Tpg& tpg : target.tpgs) add_port(target, tpg);
    return std::move(built_);
  }

 private:
  void report(std::string object, std::string cause, std::string remedy) {
    built_.problems.push_back({std::move(object), std::move(cause), std::move(remedy)});
  }

  void add_unit(const StorageObject& object) {
    const std::string path = object.path();
    if (!paths_.insert(path).second) {
      report(path, "there are two storage objects of this name", "the first one is served");
      return;
    }
    auto store = store::open(object.store, home_);
    if (!store) {
      built_.problems.push_back(store.error());
      return;
    }
    auto identity = identify(object, (*store)->pass_through());
    if (!identity) {
      built_.problems.push_back(identity.error());
      return;
    }
    const scsi::LuAttributes attributes = attributes_of(object, **store, *identity);
    auto served = with_protection(object, std::move(*store));
    if (!served) {
      built_.problems.push_back(served.error());
      return;
    }
    built_.units.push_back(
        std::make_shared<scsi::Lu>(std::move(*identity), attributes, std::move(*served)));
    units_[path] = built_.units.back();
  }

  Expected<std::shared_ptr<store::Backstore>> with_protection(
      const StorageObject& object, std::shared_ptr<store::Backstore> store) {
    const store::Protection wanted = protection_of(object);
    if (wanted.type == store::ProtectionType::none || !store::can_protect(object.store.type))
      return store;
    auto made = store::protect(std::move(store), object.store, wanted, home_);
    if (!made) return tl::make_unexpected(made.error());
    return std::shared_ptr<store::Backstore>(std::move(*made));
  }

  /// `device`: of a pass-through unit, which is who it says it is.
  Expected<scsi::LuIdentity> identify(const StorageObject& object,
                                      const store::PassThrough* device) {
    scsi::LuIdentity identity;
    identity.name = object.store.name;
    identity.unit_serial = object.unit_serial.empty()
                               ? derived_serial(machine_, what_is_served(object))
                               : object.unit_serial;
    if (device != nullptr) take_over(device->identity(), identity);
    if (identity.unit_serial.size() > max_serial_length || !printable(identity.unit_serial)) {
      return failure(object.path(), "its serial is longer than 252 characters or not printable",
                     "give it a UUID (uuidgen)");
    }
    const auto [holder, is_new] = serials_.emplace(identity.unit_serial, object.path());
    if (!is_new) {
      return failure(object.path(),
                     "it has the same serial " + identity.unit_serial + " as " + holder->second,
                     "hosts would take both for one disk and mix their data: give it another one");
    }
    return identity;
  }

  scsi::LuAttributes attributes_of(const StorageObject& object, const store::Backstore& store,
                                   scsi::LuIdentity& identity) {
    scsi::LuAttributes attributes = scsi::default_attributes(store.properties());
    for (const AttributeSetting& setting : object.attributes) {
      if (setting.name == "emulate_model_alias") {
        // LIO: the product identification is the name of the object, cut to 15 characters.
        if (setting.value != 0) identity.product = object.store.name.substr(0, 15);
        continue;
      }
      if (auto set = apply_attribute(attributes, setting, store.properties()); !set) {
        report(object.path() + " attribute " + set.error().object, set.error().cause,
               set.error().remedy);
      }
    }
    return attributes;
  }

  void add_port(const Target& target, const Tpg& tpg) {
    target::PortDescription port;
    port.scsi.name = "0x" + hex(target.id);
    port.scsi.id = target.id;
    port.scsi.relative_target_port = ++relative_port_;
    port.scsi.portal_group_tag = tpg.tag;
    // With several ports the identifiers tell them apart; with one, a host may have been given any.
    port.any_identifier = configuration_.targets.size() == 1;
    port.enabled = tpg.enabled;
    port.open = tpg.open;
    const std::string name = "target " + target.name;
    port_luns_.clear();
    for (const Lun& lun : tpg.luns) add_lun(name, lun, port);
    for (const Acl& acl : tpg.acls) add_acl(name, acl, port);
    if (!tpg.enabled) report(name, "it is disabled (enable: false)", "logins are refused");
    built_.ports.push_back(std::move(port));
  }

  void add_lun(const std::string& target, const Lun& lun, target::PortDescription& port) {
    const std::string name = target + " LUN " + std::to_string(lun.number);
    if (lun.number > max_lun) {
      report(name, "LUN numbers end at 16383", "choose a smaller one");
      return;
    }
    if (port_luns_.contains(lun.number)) {
      report(name, "there are two LUNs of this number", "the first one is served");
      return;
    }
    const auto unit = units_.find(lun.storage_object);
    if (unit == units_.end()) {
      report(name,
             paths_.contains(lun.storage_object)
                 ? "its storage object " + lun.storage_object + " is not served"
                 : "there is no storage object " + lun.storage_object,
             paths_.contains(lun.storage_object) ? "see there" : "define it or remove the LUN");
      return;
    }
    port_luns_.insert(lun.number);
    port.luns.push_back({lun.number, unit->second, false});
  }

  void add_acl(const std::string& target, const Acl& acl, target::PortDescription& port) {
    const std::string name = target + " ACL " + acl.initiator;
    auto key = target::AclKey::parse(acl.initiator);
    if (!key) {
      report(name, key.error().cause, key.error().remedy);
      return;
    }
    target::NodeAcl node{.key = std::move(*key), .luns = {}};
    if (acl.all_luns) {
      for (const auto& entry : port.luns) node.luns.push_back({entry.number, entry.number, false});
    }
    std::set<std::uint32_t> numbers;
    for (const target::MappedLun& mapped : acl.luns) {
      const std::string lun = name + " mapped LUN " + std::to_string(mapped.number);
      if (mapped.number > max_lun) {
        report(lun, "LUN numbers end at 16383", "choose a smaller one");
      } else if (!port_luns_.contains(mapped.port_lun)) {
        report(lun, "LUN " + std::to_string(mapped.port_lun) + " of the target is not served",
               "see there");
      } else if (!numbers.insert(mapped.number).second) {
        report(lun, "there are two mapped LUNs of this number", "the first one is served");
      } else {
        node.luns.push_back(mapped);
      }
    }
    port.acls.push_back(std::move(node));
  }

  const Configuration& configuration_;
  std::string_view machine_;
  runtime::Loop& home_;
  Built built_;
  UnitsByPath units_;
  std::set<std::string, std::less<>> paths_;
  std::map<std::string, std::string, std::less<>> serials_;
  std::set<std::uint32_t> port_luns_;  ///< numbers of the port being built
  std::uint16_t relative_port_ = 0;
};

}  // namespace

Built build(const Configuration& configuration, std::string_view machine, runtime::Loop& home) {
  return Builder(configuration, machine, home).run();
}

}  // namespace srpd::control
