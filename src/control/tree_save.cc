// Keys are sorted and nested by two blanks, as rtslib has Python write them; lists are in the order
// of the directories, newest first. Objects that rtslib fails on are left out and reported.
#include "control/tree_save.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/tree_view.h"
#include "lio/root.h"

namespace srpd::control {
namespace {

using Json = nlohmann::json;
using tree::Directory;

std::string word(const Directory& directory, std::string_view attribute) {
  return attribute_text(directory, attribute).value_or("");
}

bool is_set(const Directory& directory, std::string_view attribute) {
  return word(directory, attribute) == "1";
}

template <class Visitor>
void for_each_directory(const Directory& parent, Visitor visit) {
  parent.for_each_made([&](tree::Entry& entry) {
    if (!entry.is_link()) visit(static_cast<const Directory&>(entry));
  });
}

/// All that can be read and written: numbers where they parse.
Json attributes_of(const Directory& directory) {
  Json out = Json::object();
  for (const tree::Attribute& row : directory.attributes()) {
    if (!row.show || !row.store || lio::is_assumed(directory, row.name)) continue;
    const auto text = attribute_text(directory, row.name);
    if (!text) continue;
    const auto number = decimal(*text);
    out[std::string(row.name)] = number ? Json(*number) : Json(*text);
  }
  return out;
}

/// The words of two attributes are saved as the numbers that are written.
std::int64_t number_of_word(std::string_view text, std::initializer_list<std::string_view> words) {
  const auto* const found = std::find(words.begin(), words.end(), text);
  return found == words.end() ? 0 : found - words.begin();
}

Json port_group(const Directory& group) {
  Json out = attributes_of(group);
  out.erase("alua_support_lba_dependent");
  out["name"] = group.name();
  out["alua_access_type"] = number_of_word(
      word(group, "alua_access_type"), {"None", "Implicit", "Explicit", "Implicit and Explicit"});
  out["alua_access_status"] =
      number_of_word(word(group, "alua_access_status"),
                     {"None", "Altered by Explicit STPG", "Altered by Implicit ALUA"});
  return out;
}

Json port_groups(const Directory& device) {
  Json out = Json::array();
  const Directory* const alua = device.find_directory("alua");
  const Directory* const attrib = device.find_directory("attrib");
  if (!alua || !attrib || !is_set(*attrib, "alua_support")) return out;
  for_each_directory(*alua, [&](const Directory& group) {
    if (!word(group, "tg_pt_gp_id").empty()) out.push_back(port_group(group));
  });
  alua->for_each_group([&](const Directory& group) { out.push_back(port_group(group)); });
  return out;
}

class Saver {
 public:
  SavedTree run(const Directory& root) {
    const Directory* const target = root.find_directory("target");
    saved_.text = "{\n  \"fabric_modules\": [],\n";
    begin("storage_objects");
    if (const Directory* core = target ? target->find_directory("core") : nullptr)
      for_each_directory(*core, [&](const Directory& hba) {
        for_each_directory(hba, [&](const Directory& device) {
          if (const auto object = storage_object(hba, device)) append(*object);
        });
      });
    end();
    saved_.text += ",\n";
    begin("targets");
    if (const Directory* srpt = target ? target->find_directory("srpt") : nullptr)
      for_each_directory(*srpt, [&](const Directory& port) { append(saved(port)); });
    end();
    saved_.text += "\n}\n";
    return std::move(saved_);
  }

 private:
  void report(const Directory& object, std::string cause, std::string remedy) {
    saved_.problems.push_back({object.path(), std::move(cause), std::move(remedy)});
  }

  void begin(std::string_view key) {
    saved_.text += "  \"" + std::string(key) + "\": [";
    key_ = key;
    first_ = true;
  }

  /// Each element by itself: a name that is no UTF-8 costs its own object only, and ten thousand of
  /// them at a time would be large.
  void append(const Json& element) {
    try {
      const std::string text = element.dump(2, ' ', true);
      saved_.text += first_ ? "\n    " : ",\n    ";
      for (const char c : text) {
        saved_.text += c;
        if (c == '\n') saved_.text += "    ";
      }
      first_ = false;
    } catch (const Json::exception&) {
      saved_.problems.push_back({std::string(key_), "a name or text is not UTF-8",
                                 "the object is not saved; make it anew with another name"});
    }
  }

  void end() { saved_.text += first_ ? "]" : "\n  ]"; }

  std::optional<Json> storage_object(const Directory& hba, const Directory& device) {
    const BackstoreKind* const kind = kind_of_hba(hba.name());
    const Directory* const attrib = device.find_directory("attrib");
    const Directory* const wwn = device.find_directory("wwn");
    if (!kind || !attrib || !wwn) return std::nullopt;
    if (!is_set(device, "enable")) {
      report(device, "it is not enabled", "enable it, or remove it");
      return std::nullopt;
    }
    Json out{{"name", device.name()},
             {"plugin", kind->plugin},
             {"attributes", attributes_of(*attrib)},
             {"alua_tpgs", port_groups(device)}};
    const std::string info = word(device, "info");
    if (kind->plugin == "ramdisk") {
      ramdisk(info, out);
    } else if (kind->plugin == "fileio") {
      fileio(device, info, out);
    } else if (kind->plugin == "block") {
      out["dev"] = word(device, "udev_path");
      out["readonly"] = info_value(info, "readonly").value_or("0") != "0";
    } else if (kind->plugin == "pscsi") {
      out["dev"] = word(device, "udev_path");
    } else {
      user(*attrib, info, out);
    }
    const bool assumed = kind->plugin == "block" && lio::is_assumed(*attrib, "emulate_write_cache");
    if (kind->plugin == "fileio" || (kind->plugin == "block" && !assumed))
      out["write_back"] = is_set(*attrib, "emulate_write_cache");
    if (kind->plugin != "pscsi") out["wwn"] = serial(*wwn);
    return out;
  }

  static std::string serial(const Directory& wwn) {
    const std::string text = word(wwn, "vpd_unit_serial");
    const std::size_t colon = text.find(": ");
    return colon == std::string::npos ? std::string() : text.substr(colon + 2);
  }

  static std::int64_t number(const std::string& info, std::string_view key) {
    return decimal(info_value(info, key).value_or("0")).value_or(0);
  }

  static void ramdisk(const std::string& info, Json& out) {
    out["size"] = configured_size(info, "ramdisk");
    if (number(info, "nullio") == 1) out["nullio"] = true;
  }

  /// The path may hold what ends a value of `info`: it is between two keys.
  static void fileio(const Directory& device, const std::string& info, Json& out) {
    const std::string path = word(device, "udev_path");
    out["dev"] = path.empty() ? info_value(info, "File").value_or("") : path;
    out["size"] = number(info, "Size");
    out["aio"] = number(info, "Async") == 1;
  }

  static void user(const Directory& attrib, const std::string& info, Json& out) {
    const auto limit = [&](std::string_view name) {
      return std::string(name) + "=" + word(attrib, name);
    };
    out["config"] = word(attrib, "dev_config");
    out["size"] = number(info, "Size");
    out["hw_max_sectors"] = attribute_number(attrib, "hw_max_sectors").value_or(0);
    out["control"] = limit("max_data_area_mb") + "," + limit("hw_block_size") + "," +
                     limit("data_pages_per_blk");
  }

  Json saved(const Directory& port) {
    Json parameters = Json::object();
    if (const Directory* param = port.find_directory("param"))
      for (const tree::Attribute& row : param->attributes())
        if (row.show && row.store) parameters[std::string(row.name)] = word(*param, row.name);
    Json tpgs = Json::array();
    for_each_directory(port, [&](const Directory& tpg) {
      if (auto made = saved_tpg(tpg)) tpgs.push_back(std::move(*made));
    });
    return {{"fabric", "srpt"},
            {"wwn", saved_name(port.name())},
            {"parameters", std::move(parameters)},
            {"tpgs", std::move(tpgs)}};
  }

  std::optional<Json> saved_tpg(const Directory& tpg) {
    constexpr std::string_view prefix = "tpgt_";
    const auto tag =
        tpg.name().starts_with(prefix) ? decimal(tpg.name().substr(prefix.size())) : std::nullopt;
    if (!tag) {
      report(tpg, "its name is not of the form tpgt_NUMBER", "make its LUNs and ACLs in tpgt_1");
      return std::nullopt;
    }
    Json luns = Json::array();
    Json acls = Json::array();
    for_each_directory(*tpg.find_directory("lun"), [&](const Directory& lun) {
      if (auto made = saved_lun(lun)) luns.push_back(std::move(*made));
    });
    for_each_directory(*tpg.find_directory("acls"),
                       [&](const Directory& acl) { acls.push_back(saved_acl(acl)); });
    return Json{{"tag", *tag},
                {"enable", is_set(tpg, "enable")},
                {"attributes", attributes_of(*tpg.find_directory("attrib"))},
                {"luns", std::move(luns)},
                {"node_acls", std::move(acls)},
                {"portals", Json::array()}};
  }

  std::optional<Json> saved_lun(const Directory& lun) {
    const tree::Link* const link = lun.first_link();
    const auto number = lun_number(lun.name());
    if (!link || !number) {
      report(lun, link ? "its name is not of the form lun_NUMBER" : "no link leads to a device",
             "link a device, or remove the LUN");
      return std::nullopt;
    }
    const Directory& device = link->target();
    const BackstoreKind* const kind = kind_of_hba(device.parent()->name());
    if (!kind) return std::nullopt;
    const std::string group = word(lun, "alua_tg_pt_gp");
    Json out{{"alias", link->name()},
             {"index", *number},
             {"storage_object", "/backstores/" + std::string(kind->plugin) + "/" + device.name()},
             {"alua_tg_pt_gp_name", nullptr}};
    constexpr std::string_view key = "TG Port Alias: ";
    if (group.starts_with(key))
      out["alua_tg_pt_gp_name"] = group.substr(key.size(), group.find('\n') - key.size());
    return out;
  }

  Json saved_acl(const Directory& acl) {
    Json mapped = Json::array();
    for_each_directory(acl, [&](const Directory& lun) {
      if (auto made = saved_mapping(lun)) mapped.push_back(std::move(*made));
    });
    Json out{{"node_wwn", saved_name(acl.name())}, {"mapped_luns", std::move(mapped)}};
    if (const std::string tag = word(acl, "tag"); !tag.empty()) out["tag"] = tag;
    return out;
  }

  std::optional<Json> saved_mapping(const Directory& mapped) {
    const tree::Link* const link = mapped.first_link();
    const auto number = lun_number(mapped.name());
    const auto lun = link ? lun_number(link->target().name()) : std::nullopt;
    if (!number || !lun) {
      report(mapped, "no link leads to a LUN", "link one, or remove the directory");
      return std::nullopt;
    }
    return Json{{"alias", link->name()},
                {"index", *number},
                {"tpg_lun", *lun},
                {"write_protect", is_set(mapped, "write_protect")}};
  }

  SavedTree saved_;
  std::string_view key_;  ///< of the list that is being written
  bool first_ = true;
};

}  // namespace

SavedTree save_tree(const tree::Tree& tree) {
  return tree.inspect([](const Directory& root) { return Saver().run(root); });
}

}  // namespace srpd::control
