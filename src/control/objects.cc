#include "control/objects.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "control/tree_view.h"

namespace srpd::control {
namespace {

using tree::Directory;

std::string word(const Directory& directory, std::string_view attribute) {
  return attribute_text(directory, attribute).value_or("");
}

template <class Visitor>
void for_each_directory(const Directory& parent, Visitor visit) {
  parent.for_each_made([&](const tree::Entry& entry) {
    if (!entry.is_link()) visit(static_cast<const Directory&>(entry));
  });
}

/// By `key`: text before number, each in its order.
Json sorted(Json list, const char* key) {
  std::sort(list.begin(), list.end(),
            [key](const Json& a, const Json& b) { return a[key] < b[key]; });
  return list;
}

std::string state_name(const Directory& group) {
  constexpr std::string_view names[] = {"Active/optimized", "Active/non-optimized", "Standby",
                                        "Unavailable"};
  const auto state = attribute_number(group, "alua_access_state").value_or(0);
  if (state >= 0 && state < 4) return std::string(names[state]);
  if (state == 14) return "Offline";
  return state == 15 ? "Transitioning" : std::to_string(state);
}

Json groups_of(const Directory& device) {
  Json groups = Json::array();
  const Directory* const alua = device.find_directory("alua");
  if (!alua) return groups;
  const auto add = [&](const Directory& group) {
    groups.push_back({{"name", group.name()}, {"state", state_name(group)}});
  };
  for_each_directory(*alua, add);
  alua->for_each_group([&](const Directory& group) { add(group); });
  return sorted(std::move(groups), "name");
}

/// What targetcli says of it between its size and whether it is used.
std::string cache_of(const Directory& device, std::string_view plugin) {
  if (plugin != "fileio" && plugin != "block") return {};
  const Directory* const attrib = device.find_directory("attrib");
  return attrib && word(*attrib, "emulate_write_cache") == "1" ? "write-back" : "write-thru";
}

Json backstore(const Directory& device, const BackstoreKind& kind) {
  const std::string info = word(device, "info");
  Json out{{"plugin", kind.plugin},
           {"name", device.name()},
           {"path", device.path()},
           {"enabled", word(device, "enable") == "1"},
           {"luns", device.link_count()},
           {"size", configured_size(info, kind.plugin)},
           {"where", word(device, "udev_path")},
           {"info", cache_of(device, kind.plugin)},
           {"groups", groups_of(device)}};
  if (kind.plugin == "fileio" && out["where"] == "")
    out["where"] = info_value(info, "File").value_or("");
  if (kind.plugin == "user") out["where"] = info_value(info, "Config").value_or("");
  if (info_value(info, "nullio") == "1") out["info"] = "nullio";
  if (info_value(info, "readonly").value_or("0") != "0") out["info"] = "ro write-thru";
  return out;
}

Json object_of(const Directory* device) {
  if (device == nullptr || device->parent() == nullptr) return nullptr;
  const BackstoreKind* const kind = kind_of_hba(device->parent()->name());
  if (kind == nullptr) return nullptr;
  return "/backstores/" + std::string(kind->plugin) + "/" + device->name();
}

const Directory* link_target(const Directory& directory) {
  const tree::Link* const link = directory.first_link();
  return link == nullptr ? nullptr : &link->target();
}

Json lun_of(const Directory& lun) {
  const std::string group = word(lun, "alua_tg_pt_gp");
  constexpr std::string_view key = "TG Port Alias: ";
  Json out{{"index", lun_number(lun.name()).value_or(-1)},
           {"path", lun.path()},
           {"object", object_of(link_target(lun))},
           {"group", nullptr}};
  if (group.starts_with(key))
    out["group"] = group.substr(key.size(), group.find('\n') - key.size());
  return out;
}

Json mapping_of(const Directory& mapped) {
  const Directory* const lun = link_target(mapped);
  Json out{{"index", lun_number(mapped.name()).value_or(-1)},
           {"path", mapped.path()},
           {"lun", nullptr},
           {"object", nullptr},
           {"write_protect", word(mapped, "write_protect") == "1"}};
  if (lun == nullptr) return out;
  out["lun"] = lun_number(lun->name()).value_or(-1);
  out["object"] = object_of(link_target(*lun));
  return out;
}

Json acl_of(const Directory& acl) {
  Json luns = Json::array();
  for_each_directory(acl, [&](const Directory& mapped) { luns.push_back(mapping_of(mapped)); });
  return {{"initiator", saved_name(acl.name())},
          {"path", acl.path()},
          {"tag", word(acl, "tag")},
          {"luns", sorted(std::move(luns), "index")}};
}

Json tpg_of(const Directory& tpg) {
  constexpr std::string_view prefix = "tpgt_";
  const bool numbered = tpg.name().starts_with(prefix);
  Json luns = Json::array();
  Json acls = Json::array();
  if (const Directory* directory = tpg.find_directory("lun"))
    for_each_directory(*directory, [&](const Directory& lun) { luns.push_back(lun_of(lun)); });
  if (const Directory* directory = tpg.find_directory("acls"))
    for_each_directory(*directory, [&](const Directory& acl) { acls.push_back(acl_of(acl)); });
  return {{"tag", numbered ? tpg.name().substr(prefix.size()) : tpg.name()},
          {"path", tpg.path()},
          {"enabled", word(tpg, "enable") == "1"},
          {"luns", sorted(std::move(luns), "index")},
          {"acls", sorted(std::move(acls), "initiator")}};
}

Json target_of(const Directory& port) {
  Json tpgs = Json::array();
  for_each_directory(port, [&](const Directory& tpg) { tpgs.push_back(tpg_of(tpg)); });
  return {{"wwn", saved_name(port.name())},
          {"path", port.path()},
          {"tpgs", sorted(std::move(tpgs), "tag")}};
}

}  // namespace

Json objects(const tree::Tree& tree) {
  return tree.inspect([](const Directory& root) {
    Json backstores = Json::array();
    Json targets = Json::array();
    const Directory* const target = root.find_directory("target");
    if (const Directory* core = target ? target->find_directory("core") : nullptr)
      for_each_directory(*core, [&](const Directory& hba) {
        if (const BackstoreKind* const kind = kind_of_hba(hba.name()))
          for_each_directory(hba, [&](const Directory& device) {
            backstores.push_back(backstore(device, *kind));
          });
      });
    if (const Directory* srpt = target ? target->find_directory("srpt") : nullptr)
      for_each_directory(*srpt, [&](const Directory& port) { targets.push_back(target_of(port)); });
    return Json{{"backstores", sorted(std::move(backstores), "name")},
                {"targets", sorted(std::move(targets), "wwn")}};
  });
}

}  // namespace srpd::control
