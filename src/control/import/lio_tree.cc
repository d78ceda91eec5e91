// The kernel's target as it runs: configfs below /sys/kernel/config/target, read as rtslib reads it
// to save it. Nothing is changed there.
#include <algorithm>
#include <map>

#include "control/import/format.h"
#include "control/tree_view.h"

namespace srpd::control {
namespace {

constexpr std::uint64_t page_size = 4096;
constexpr const char* default_group = "default_tg_pt_gp";

class LioTree {
 public:
  explicit LioTree(const ImportSource& source) : source_(source), tree_(*source.tree) {}

  Imported run() {
    for (const std::string& hba : tree_.directories("core")) {
      const BackstoreKind* const kind = kind_of_hba(hba);
      if (kind == nullptr) continue;  // core/alua
      for (const std::string& name : tree_.directories("core/" + hba))
        disk(*kind, name, "core/" + hba + "/" + name);
    }
    for (const std::string& fabric : tree_.directories(""))
      if (fabric != "core") targets(fabric);
    return std::move(imported_);
  }

 private:
  void note(const std::string& path, std::string cause, std::string remedy = {}) {
    imported_.note(source_.name, 0, path, std::move(cause), std::move(remedy));
  }

  std::string word(const std::string& file) const { return tree_.read(file).value_or(""); }

  // Disks

  void disk(const BackstoreKind& kind, const std::string& name, const std::string& path) {
    if (word(path + "/enable") != "1") return note(path, "it is not enabled", "it is left out");
    const std::string info = word(path + "/info");
    SavedJson made = disk_object(kind.plugin, name);
    made["attributes"] = attributes(path + "/attrib");
    if (kind.plugin == "ramdisk") {
      const std::string pages = info_value(info, "PAGES/PAGE_SIZE").value_or("");
      made["size"] = number(pages.substr(0, pages.find('*'))) * page_size;
      if (info_value(info, "nullio") == "1") made["nullio"] = true;
      note(path, "the data of a ramdisk stay behind", "copy them");
    } else if (kind.plugin == "fileio") {
      made["dev"] = word(path + "/udev_path");
      made["size"] = number(info_value(info, "Size").value_or(""));
      made["aio"] = info_value(info, "Async") == "1";
    } else if (kind.plugin == "block") {
      made["dev"] = word(path + "/udev_path");
      made["readonly"] = info_value(info, "readonly").value_or("0") != "0";
    } else if (kind.plugin == "pscsi") {
      made["dev"] = word(path + "/udev_path");
    } else {
      return note(path, "a handler of user-space serves it", "it is left out");
    }
    if (kind.plugin == "fileio" || kind.plugin == "block")
      made["write_back"] = word(path + "/attrib/emulate_write_cache") == "1";
    if (kind.plugin != "pscsi") made["wwn"] = serial(path);
    groups(path);
    const std::string plugin(kind.plugin);
    paths_[path] = "/backstores/" + plugin + "/" + imported_.add_disk(std::move(made));
  }

  std::string serial(const std::string& path) const {
    const std::string text = word(path + "/wwn/vpd_unit_serial");
    const std::size_t colon = text.find(": ");
    return colon == std::string::npos ? std::string() : text.substr(colon + 2);
  }

  static std::uint64_t number(std::string_view text) {
    const auto value = decimal(text);
    return value && *value > 0 && *value <= INT64_MAX / static_cast<std::int64_t>(page_size)
               ? static_cast<std::uint64_t>(*value)
               : 0;
  }

  /// Those that can be read and written.
  SavedJson attributes(const std::string& path) const {
    SavedJson out = SavedJson::object();
    for (const std::string& name : tree_.files(path)) {
      const std::string file = path + "/" + name;
      const auto text = tree_.read(file);
      if (!text || !tree_.writable(file)) continue;
      const auto value = decimal(*text);
      out[name] = value ? SavedJson(*value) : SavedJson(*text);
    }
    return out;
  }

  void groups(const std::string& path) {
    for (const std::string& group : tree_.directories(path + "/alua"))
      if (group != default_group)
        note(path + "/alua/" + group, "ALUA groups are not carried over",
             "make them in srpd's tree, or import what targetcli saves");
  }

  // Targets

  void targets(const std::string& fabric) {
    for (const std::string& name : tree_.directories(fabric)) {
      if (name == "discovery_auth") continue;
      const std::string path = fabric + "/" + name;
      if (fabric == "srpt")
        target(name, path);
      else
        note(path,
             "srpd serves SRP only; its disks are carried over, its LUNs, ACLs and CHAP "
             "settings are not",
             "make an srpt target with these disks, or leave it to LIO");
    }
  }

  void target(const std::string& name, const std::string& path) {
    SavedJson tpgs = SavedJson::array();
    for (const std::string& directory : tree_.directories(path)) {
      constexpr std::string_view prefix = "tpgt_";
      if (!directory.starts_with(prefix)) continue;
      const auto tag = decimal(directory.substr(prefix.size()));
      if (tag) tpgs.push_back(tpg(path + "/" + directory, *tag));
    }
    imported_.add_target({{"fabric", "srpt"},
                          {"wwn", saved_name(name)},
                          {"parameters", SavedJson::object()},
                          {"tpgs", std::move(tpgs)}});
  }

  SavedJson tpg(const std::string& path, std::int64_t tag) {
    SavedJson luns = SavedJson::array(), acls = SavedJson::array();
    for (const std::string& name : tree_.directories(path + "/lun"))
      lun(path + "/lun/" + name, lun_number(name), luns);
    for (const std::string& name : tree_.directories(path + "/acls"))
      acls.push_back(acl(path + "/acls/" + name, name));
    return {{"tag", tag},
            {"enable", word(path + "/enable") == "1"},
            {"attributes", attributes(path + "/attrib")},
            {"luns", std::move(luns)},
            {"node_acls", std::move(acls)},
            {"portals", SavedJson::array()}};
  }

  void lun(const std::string& path, std::optional<std::int64_t> number, SavedJson& luns) {
    const auto links = tree_.links(path);
    if (!number || links.empty()) return note(path, "no link leads to a device", "it is left out");
    const std::string device = tail(tree_.target(path + "/" + links.front()), 3);
    const auto known = paths_.find(device);
    if (known == paths_.end())
      return note(path, "its device " + device + " is not carried over", "it is left out");
    luns.push_back(
        {{"alias", links.front()}, {"index", *number}, {"storage_object", known->second}});
  }

  /// The last `count` parts of a path.
  static std::string tail(const std::string& path, int count) {
    std::size_t begin = path.size();
    while (count-- > 0 && begin != std::string::npos && begin != 0)
      begin = path.rfind('/', begin - 1);
    return begin == std::string::npos ? path : path.substr(begin == 0 ? 0 : begin + 1);
  }

  SavedJson acl(const std::string& path, const std::string& name) {
    SavedJson mapped = SavedJson::array();
    for (const std::string& directory : tree_.directories(path)) {
      const auto number = lun_number(directory);
      if (!number) continue;
      const std::string own = path + "/" + directory;
      const auto links = tree_.links(own);
      const auto tpg_lun = links.empty()
                               ? std::nullopt
                               : lun_number(tail(tree_.target(own + "/" + links.front()), 1));
      if (!tpg_lun) {
        note(own, "no link leads to a LUN", "it is left out");
        continue;
      }
      mapped.push_back({{"alias", links.front()},
                        {"index", *number},
                        {"tpg_lun", *tpg_lun},
                        {"write_protect", word(own + "/write_protect") == "1"}});
    }
    return {{"node_wwn", saved_name(name)}, {"mapped_luns", std::move(mapped)}};
  }

  const ImportSource& source_;
  const ImportTree& tree_;
  Imported imported_;
  std::map<std::string, std::string> paths_;  // of disks: in the tree, in saveconfig.json
};

bool recognizes(const ImportSource& source) { return source.tree != nullptr; }

Expected<Imported> read(const ImportSource& source) {
  if (source.tree == nullptr || source.tree->directories("core").empty())
    return failure(source.name, "it is no directory of the kernel's target",
                   "name that which has 'core' in it, such as /sys/kernel/config/target");
  return LioTree(source).run();
}

}  // namespace

const ImportFormat lio_tree_format{"lio-tree", "the kernel's target as it runs, a directory",
                                   &recognizes, &read};

}  // namespace srpd::control
