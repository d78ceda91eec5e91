#include "control/difference.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/tree_view.h"

namespace srpd::control {
namespace {

using Action = Difference::Action;
using Objects = std::map<std::string, const Json*>;

constexpr std::uint64_t page_size = 4096;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  return value.is_null() ? std::string() : value.dump();
}

std::string member(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? std::string() : text_of(*found);
}

/// "/srpt/ib.0123" and what stands for its tpg: targetcli shows none where there is one.
std::string tpg_name(const std::string& target, const std::string& tag) {
  return tag == "1" ? target : target + "/tpg" + tag;
}

std::string device_key(const Json& object) {
  return "/backstores/" + member(object, "plugin") + "/" + member(object, "name");
}
std::string target_key(const Json& object) { return saved_name(member(object, "wwn")); }
std::string tpg_key(const Json& object) {
  const std::string tag = member(object, "tag");
  return tag.empty() ? "1" : tag;
}
std::string index_key(const Json& object) { return member(object, "index"); }
std::string acl_key(const Json& object) { return saved_name(member(object, "node_wwn")); }
std::string group_key(const Json& object) { return member(object, "name"); }

template <class Key>
Objects by_key(const Json& parent, std::string_view list, Key key) {
  Objects objects;
  const auto found = parent.find(list);
  if (found == parent.end() || !found->is_array()) return objects;
  for (const Json& each : *found)
    if (each.is_object()) objects.emplace(key(each), &each);
  return objects;
}

/// Only those that are served: other fabrics are none of our business.
Objects targets_of(const Json& json) {
  Objects objects = by_key(json, "targets", target_key);
  std::erase_if(objects, [](const auto& each) { return member(*each.second, "fabric") != "srpt"; });
  return objects;
}

/// Nothing to compare with.
const Json& nothing() {
  static const Json empty = Json::object();
  return empty;
}
const Json& find(const Objects& objects, const std::string& key) {
  const auto found = objects.find(key);
  return found == objects.end() ? nothing() : *found->second;
}

class Comparison {
 public:
  std::vector<Difference> run(const Json& have, const Json& wanted) {
    have_devices_ = by_key(have, "storage_objects", device_key);
    wanted_devices_ = by_key(wanted, "storage_objects", device_key);
    compare_devices();
    const Objects old_targets = targets_of(have);
    const Objects new_targets = targets_of(wanted);
    for (const auto& [name, target] : old_targets) compare_target(name, *target, new_targets);
    for (const auto& [name, target] : new_targets)
      if (!old_targets.contains(name)) create_target(name, *target);
    std::vector<Difference> all;
    for (auto* part : {&mappings_, &luns_, &targets_, &devices_, &rest_})
      std::move(part->begin(), part->end(), std::back_inserter(all));
    return all;
  }

 private:
  void set(const std::string& object, std::string name, std::string from, std::string to) {
    rest_.push_back({Action::set, object, std::move(name), std::move(from), std::move(to)});
  }
  void create(const std::string& object) { rest_.push_back({Action::create, object}); }

  /// Members of `wanted`, but for those that `skip` names.
  void compare_members(const std::string& object, const Json& have, const Json& wanted,
                       const std::set<std::string_view>& skip = {}) {
    if (!wanted.is_object()) return;
    for (const auto& item : wanted.items()) {
      if (skip.contains(item.key()) || item.value().is_structured()) continue;
      const std::string from = have.is_object() ? member(have, item.key()) : std::string();
      const std::string to = text_of(item.value());
      if (from != to) set(object, item.key(), from, to);
    }
  }
  void compare_part(const std::string& object, const Json& have, const Json& wanted,
                    std::string_view part) {
    const auto found = wanted.find(part);
    if (found == wanted.end()) return;
    const auto there = have.find(part);
    compare_members(object, there == have.end() ? nothing() : *there, *found);
  }

  // Devices

  void compare_devices() {
    for (const auto& [name, device] : have_devices_) {
      const auto wanted = wanted_devices_.find(name);
      if (wanted == wanted_devices_.end()) {
        gone_.insert(name);
        devices_.push_back({Action::remove, name});
      } else if (auto fixed = fixed_difference(name, *device, *wanted->second)) {
        gone_.insert(name);
        devices_.push_back(std::move(*fixed));
      } else {
        compare_size(name, *device, *wanted->second);
        compare_part(name, *device, *wanted->second, "attributes");
        compare_groups(name, *device, *wanted->second);
      }
    }
    for (const auto& [name, device] : wanted_devices_)
      if (!have_devices_.contains(name)) create(name);
  }

  /// A member that is decided when the device is made.
  static std::optional<Difference> fixed_difference(const std::string& name, const Json& have,
                                                    const Json& wanted) {
    for (const char* key :
         {"dev", "size", "nullio", "config", "wwn", "readonly", "aio", "write_back", "exclusive"}) {
      const auto found = wanted.find(key);
      if (found == wanted.end() || found->is_null()) continue;
      const std::string to = fixed_text(wanted, key);
      // An empty serial leaves the one there is; the cache of a block device is its own.
      if (std::string_view(key) == "wwn" && to.empty()) continue;
      if (std::string_view(key) == "write_back" && member(wanted, "plugin") == "block") continue;
      if (std::string_view(key) == "exclusive" && !have.contains(key)) continue;
      const std::string from = fixed_text(have, key);
      if (std::string_view(key) == "size" && grows(from, to)) continue;
      const bool flag = found->is_boolean() && to == "0" && from.empty();
      if (from != to && !flag) return Difference{Action::replace, name, key, from, to};
    }
    return std::nullopt;
  }

  /// While hosts work on it.
  static bool grows(const std::string& from, const std::string& to) {
    const auto now = decimal(from);
    const auto wanted = decimal(to);
    return now && wanted && *now > 0 && *wanted > *now;
  }

  void compare_size(const std::string& object, const Json& have, const Json& wanted) {
    const std::string from = fixed_text(have, "size");
    const std::string to = fixed_text(wanted, "size");
    if (grows(from, to)) set(object, "size", from, to);
  }

  /// Memory comes in pages.
  static std::string fixed_text(const Json& device, const char* key) {
    const auto found = device.find(key);
    if (found == device.end()) return {};
    if (std::string_view(key) == "size" && member(device, "plugin") == "ramdisk" &&
        found->is_number_unsigned())
      return std::to_string((found->get<std::uint64_t>() + page_size - 1) / page_size * page_size);
    return text_of(*found);
  }

  void compare_groups(const std::string& device, const Json& have, const Json& wanted) {
    if (!wanted.contains("alua_tpgs")) return;
    const Objects old_groups = by_key(have, "alua_tpgs", group_key);
    const Objects new_groups = by_key(wanted, "alua_tpgs", group_key);
    for (const auto& [name, group] : new_groups) {
      const std::string object = device + "/alua/" + name;
      if (!old_groups.contains(name))
        create(object);
      else
        compare_members(object, find(old_groups, name), *group);
    }
    for (const auto& [name, group] : old_groups)
      if (!new_groups.contains(name) && name != "default_tg_pt_gp")
        devices_.push_back({Action::remove, device + "/alua/" + name});
  }

  // Targets

  void compare_target(const std::string& name, const Json& have, const Objects& wanted) {
    const std::string object = "/srpt/" + name;
    const std::string path = "target/srpt/" + directory_name(name);
    const bool stays = wanted.contains(name);
    const Json& target = find(wanted, name);
    const Objects new_tpgs = by_key(target, "tpgs", tpg_key);
    for (const auto& [tag, tpg] : by_key(have, "tpgs", tpg_key)) {
      const std::string tpg_object = tpg_name(object, tag);
      const std::string tpg_path = path + "/tpgt_" + tag;
      compare_tpg(tpg_object, tpg_path, *tpg, find(new_tpgs, tag));
      if (stays && !new_tpgs.contains(tag))
        targets_.push_back({.action = Action::remove, .object = tpg_object, .path = tpg_path});
    }
    if (!stays) {
      targets_.push_back({.action = Action::remove, .object = object, .path = path});
      return;
    }
    compare_part(object, have, target, "parameters");
    const Objects old_tpgs = by_key(have, "tpgs", tpg_key);
    for (const auto& [tag, tpg] : new_tpgs)
      if (!old_tpgs.contains(tag)) create_tpg(tpg_name(object, tag), *tpg);
  }

  void create_target(const std::string& name, const Json& target) {
    create("/srpt/" + name);
    for (const auto& [tag, tpg] : by_key(target, "tpgs", tpg_key))
      create_tpg(tpg_name("/srpt/" + name, tag), *tpg);
  }

  void create_tpg(const std::string& object, const Json& tpg) {
    if (object.find("/tpg") != std::string::npos) create(object);
    for (const auto& [index, lun] : by_key(tpg, "luns", index_key))
      create(object + "/luns/lun" + index);
    for (const auto& [name, acl] : by_key(tpg, "node_acls", acl_key))
      create_acl(object + "/acls/" + name, *acl);
    if (member(tpg, "enable") == "1") set(object, "enable", "0", "1");
  }

  void create_acl(const std::string& object, const Json& acl) {
    create(object);
    for (const auto& [index, lun] : by_key(acl, "mapped_luns", index_key))
      create(object + "/mapped_lun" + index);
  }

  void compare_tpg(const std::string& object, const std::string& path, const Json& have,
                   const Json& wanted) {
    const std::set<std::string> lost = compare_luns(object, path, have, wanted);
    const Objects new_acls = by_key(wanted, "node_acls", acl_key);
    const Objects old_acls = by_key(have, "node_acls", acl_key);
    for (const auto& [name, acl] : old_acls) {
      const std::string acl_object = object + "/acls/" + name;
      const std::string acl_path = path + "/acls/" + directory_name(name);
      if (!new_acls.contains(name)) {
        mappings_.push_back({.action = Action::remove, .object = acl_object, .path = acl_path});
        continue;
      }
      compare_members(acl_object, *acl, find(new_acls, name), {"node_wwn"});
      compare_mappings(acl_object, acl_path, *acl, find(new_acls, name), lost);
    }
    for (const auto& [name, acl] : new_acls)
      if (!old_acls.contains(name)) create_acl(object + "/acls/" + name, *acl);
    if (wanted.empty()) return;
    compare_part(object, have, wanted, "attributes");
    const std::string enable = member(wanted, "enable") == "1" ? "1" : "0";
    if (member(have, "enable") != enable) set(object, "enable", member(have, "enable"), enable);
  }

  /// Those that go, by number; some come again.
  std::set<std::string> compare_luns(const std::string& object, const std::string& path,
                                     const Json& have, const Json& wanted) {
    std::set<std::string> lost;
    const Objects new_luns = by_key(wanted, "luns", index_key);
    const Objects old_luns = by_key(have, "luns", index_key);
    for (const auto& [index, lun] : old_luns) {
      const auto found = new_luns.find(index);
      const std::string name = object + "/luns/lun" + index;
      Difference gone{.action = Action::remove, .object = name, .path = path + "/lun/lun_" + index};
      if (found == new_luns.end() ||
          changed(*lun, *found->second, {"storage_object", "alias"}, gone) ||
          uses_gone(*lun, gone)) {
        lost.insert(index);
        luns_.push_back(std::move(gone));
      } else {
        compare_members(name, *lun, *found->second, {"index"});
      }
    }
    for (const auto& [index, lun] : new_luns)
      if (!old_luns.contains(index)) create(object + "/luns/lun" + index);
    return lost;
  }

  bool uses_gone(const Json& lun, Difference& gone) const {
    const std::string device = member(lun, "storage_object");
    if (!gone_.contains(device)) return false;
    gone.action = Action::replace;
    gone.member = "storage_object";
    gone.from = gone.to = device;
    return true;
  }

  static bool changed(const Json& have, const Json& wanted,
                      std::initializer_list<const char*> members, Difference& gone) {
    for (const char* key : members) {
      const std::string to = member(wanted, key);
      if (to.empty() || to == member(have, key)) continue;
      gone.action = Action::replace;
      gone.member = key;
      gone.from = member(have, key);
      gone.to = to;
      return true;
    }
    return false;
  }

  void compare_mappings(const std::string& object, const std::string& path, const Json& have,
                        const Json& wanted, const std::set<std::string>& lost) {
    const Objects new_luns = by_key(wanted, "mapped_luns", index_key);
    const Objects old_luns = by_key(have, "mapped_luns", index_key);
    for (const auto& [index, lun] : old_luns) {
      const auto found = new_luns.find(index);
      const std::string name = object + "/mapped_lun" + index;
      const std::string leads_to = member(*lun, "tpg_lun");
      Difference gone{.action = Action::remove, .object = name, .path = path + "/lun_" + index};
      if (found == new_luns.end() || changed(*lun, *found->second, {"tpg_lun", "alias"}, gone)) {
        mappings_.push_back(std::move(gone));
      } else if (lost.contains(leads_to)) {
        mappings_.push_back({Action::replace, name, "tpg_lun", leads_to, leads_to, gone.path});
      } else {
        compare_members(name, *lun, *found->second, {"index"});
      }
    }
    for (const auto& [index, lun] : new_luns)
      if (!old_luns.contains(index)) create(object + "/mapped_lun" + index);
  }

  Objects have_devices_, wanted_devices_;
  std::set<std::string> gone_;  ///< devices, some of which come again
  // In the order in which they are done.
  std::vector<Difference> mappings_, luns_, targets_, devices_, rest_;
};

class Check {
 public:
  Problems run(const Json& json) {
    if (!json.is_object()) {
      report("configuration", "it is no JSON object", "is it the right file?");
      return std::move(problems_);
    }
    for (const char* list : {"storage_objects", "targets"})
      if (const auto found = json.find(list); found == json.end() || !found->is_array())
        report("configuration", std::string("it has no list '") + list + "'",
               "is it a saveconfig.json? An empty list removes all there is");
    const auto devices = names(json, "storage_objects", device_key, "");
    each(json, "targets", [&](const Json& target) { check_target(target, devices); });
    names(json, "targets", target_key, "/srpt/");
    return std::move(problems_);
  }

 private:
  void report(std::string object, std::string cause, std::string remedy) {
    problems_.push_back({std::move(object), std::move(cause), std::move(remedy)});
  }

  template <class Visit>
  static void each(const Json& parent, std::string_view list, Visit visit) {
    const auto found = parent.find(list);
    if (found == parent.end() || !found->is_array()) return;
    for (const Json& element : *found)
      if (element.is_object()) visit(element);
  }

  template <class Key>
  std::set<std::string> names(const Json& parent, std::string_view list, Key key,
                              const std::string& prefix) {
    std::set<std::string> found;
    each(parent, list, [&](const Json& element) {
      const std::string name = key(element);
      if (!found.insert(name).second)
        report(prefix + name, "it is listed twice", "remove one of them");
    });
    return found;
  }

  void check_target(const Json& target, const std::set<std::string>& devices) {
    if (member(target, "fabric") != "srpt") return;
    const std::string object = "/srpt/" + target_key(target);
    names(target, "tpgs", tpg_key, object + "/tpg");
    each(target, "tpgs",
         [&](const Json& tpg) { check_tpg(tpg_name(object, tpg_key(tpg)), tpg, devices); });
  }

  void check_tpg(const std::string& object, const Json& tpg, const std::set<std::string>& devices) {
    const auto luns = names(tpg, "luns", index_key, object + "/luns/lun");
    each(tpg, "luns", [&](const Json& lun) {
      const std::string device = member(lun, "storage_object");
      if (!devices.contains(device))
        report(object + "/luns/lun" + index_key(lun),
               device.empty() ? "it has no storage_object" : "there is no " + device,
               "add it to storage_objects, or correct the LUN");
    });
    names(tpg, "node_acls", acl_key, object + "/acls/");
    each(tpg, "node_acls", [&](const Json& acl) {
      const std::string name = object + "/acls/" + acl_key(acl);
      names(acl, "mapped_luns", index_key, name + "/mapped_lun");
      each(acl, "mapped_luns", [&](const Json& lun) {
        const std::string leads_to = member(lun, "tpg_lun");
        if (!luns.contains(leads_to))
          report(name + "/mapped_lun" + index_key(lun), "the target has no LUN " + leads_to,
                 "add it to luns, or correct tpg_lun");
      });
    });
  }

  Problems problems_;
};

}  // namespace

std::string_view action_name(Difference::Action action) {
  constexpr std::string_view names[] = {"remove", "create", "replace", "set"};
  return names[static_cast<std::size_t>(action)];
}

std::vector<Difference> differences(const Json& have, const Json& wanted) {
  return Comparison().run(have, wanted);
}

Problems check_configuration(const Json& json) { return Check().run(json); }

}  // namespace srpd::control
