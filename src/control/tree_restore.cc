#include "control/tree_restore.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/json_reader.h"
#include "control/tree_view.h"
#include "lio/root.h"

namespace srpd::control {
namespace {

constexpr std::uint64_t page_size = 4096;

/// Characters that end an item of `control`.
bool fits_control(std::string_view value) {
  return value.find_first_of(",\n") == std::string_view::npos;
}

/// A value as it is written to an attribute.
std::optional<std::string> attribute_value(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "1" : "0");
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  return std::nullopt;
}

/// The four of "0:0:1:0"; fewer where it is something else.
std::vector<std::string> numbers_of_address(std::string_view text) {
  std::vector<std::string> numbers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(':'), text.size());
    if (!decimal(text.substr(0, end)) || text[0] == '-') return {};
    numbers.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return numbers;
}

bool is_scsi_address(std::string_view text) { return numbers_of_address(text).size() == 4; }

/// `list` from its end.
template <class Visit>
void backwards(const JsonReader& reader, std::string_view key, Visit visit) {
  std::vector<const Json*> elements;
  reader.for_each_object(key, [&](const Json& element) { elements.push_back(&element); });
  for (auto each = elements.rbegin(); each != elements.rend(); ++each) visit(**each);
}

class Restorer {
 public:
  Restorer(tree::Tree& tree, Existing existing, const ScsiAddress& address)
      : tree_(tree),
        adjusts_(existing != Existing::refuse),
        whole_(existing == Existing::adjust),
        address_(address) {
    find_existing();
  }

  Problems run(const Json& json) {
    const JsonReader reader(json, "saveconfig", problems_);
    backwards(reader, "storage_objects", [this](const Json& object) { storage_object(object); });
    backwards(reader, "targets", [this](const Json& target) { make_target(target); });
    return std::move(problems_);
  }

 private:
  // The tree by paths below target/. Each reports under the path and says whether it was done.

  template <class T>
  bool done(const tree::Result<T>& result, const std::string& path) {
    if (result) return true;
    problems_.push_back(result.error().error(path));
    return false;
  }

  /// A directory with many attributes, found once for all of them.
  struct Group {
    std::string path;
    tree::Result<tree::Id> id;
    bool waiting = false;  ///< that of a device about which nothing is known
  };
  Group group_at(std::string path) {
    const auto id = tree_.resolve("target/" + path);
    Group group{std::move(path), id};
    look_at(group, [&](const tree::Directory& attrib) { group.waiting = lio::is_waiting(attrib); });
    return group;
  }
  template <class Look>
  void look_at(const Group& group, Look look) {
    if (group.id)
      static_cast<void>(tree_.change(
          *group.id, [&](tree::Change&, const tree::Directory& directory) { look(directory); }));
  }
  bool is_assumed(const Group& group, const std::string& name) {
    bool assumed = false;
    if (group.waiting)
      look_at(group, [&](const auto& attrib) { assumed = lio::is_assumed(attrib, name); });
    return assumed;
  }
  tree::Result<tree::Id> attribute(const Group& group, const std::string& name) const {
    return group.id ? tree_.resolve(name, *group.id) : group.id;
  }

  bool write_to(const tree::Result<tree::Id>& id, const std::string& path,
                const std::string& text) {
    return done(id, path) && done(tree_.write(*id, text + "\n"), path);
  }
  bool write(const std::string& path, const std::string& text) {
    return write_to(tree_.resolve("target/" + path), path, text);
  }

  std::string read_from(const tree::Result<tree::Id>& id) const {
    auto text = id ? tree_.read(*id) : tl::unexpected(id.error());
    if (!text) return {};
    if (text->ends_with('\n')) text->pop_back();
    return std::move(*text);
  }
  std::string read(const std::string& path) const {
    return read_from(tree_.resolve("target/" + path));
  }

  /// Only what is not so already: most attributes have their defaults. `shown` is what they look
  /// like where that is not what is written.
  void write_change(const Group& group, const std::string& name, const std::string& text,
                    const std::string& shown) {
    const auto id = attribute(group, name);
    if (read_from(id) != shown || is_assumed(group, name))
      write_to(id, group.path + '/' + name, text);
  }
  void write_change(const std::string& path, const std::string& text) {
    const auto id = tree_.resolve("target/" + path);
    if (read_from(id) != text) write_to(id, path, text);
  }

  bool mkdir(const std::string& parent, const std::string& name, bool may_exist = false) {
    const auto id = tree_.resolve("target/" + parent);
    const std::string path = parent.empty() ? name : parent + '/' + name;
    if (!done(id, parent)) return false;
    const auto made = tree_.mkdir(*id, name);
    if (!made && made.error().code == EEXIST && (may_exist || adjusts_)) return true;
    return done(made, path);
  }

  bool link(const std::string& parent, const std::string& name, const std::string& target) {
    const auto id = tree_.resolve("target/" + parent);
    if (!done(id, parent)) return false;
    if (adjusts_ && has_link(*id)) return true;
    return done(tree_.symlink(*id, name, tree_.resolve("target/" + target)), parent + '/' + name);
  }

  bool has_link(tree::Id directory) const {
    const auto listed = tree_.list(directory);
    return listed && std::any_of(listed->begin(), listed->end(), [](const tree::Listed& each) {
             return each.status.kind == tree::Kind::link;
           });
  }

  void rmdir(const std::string& parent, const std::string& name) {
    const auto id = tree_.resolve("target/" + parent);
    if (id) static_cast<void>(tree_.rmdir(*id, name));
  }

  // Backstores

  void find_existing() {
    tree_.inspect([this](const tree::Directory& root) {
      const auto* const target = root.find_directory("target");
      const auto* const core = target ? target->find_directory("core") : nullptr;
      if (!core) return;
      core->for_each_made([this](const tree::Entry& entry) {
        const auto& hba = static_cast<const tree::Directory&>(entry);
        const BackstoreKind* const kind = kind_of_hba(hba.name());
        if (!kind) return;
        if (const auto number = decimal(hba.name().substr(hba.name().rfind('_') + 1)))
          hba_numbers_.insert(*number);
        hba.for_each_made([&](const tree::Entry& device) {
          devices_[std::pair(std::string(kind->plugin), device.name())] =
              "core/" + hba.name() + '/' + device.name();
        });
      });
    });
  }

  /// The lowest that no HBA of any type has, as rtslib numbers them.
  std::int64_t next_hba() {
    while (hba_numbers_.contains(next_hba_)) ++next_hba_;
    hba_numbers_.insert(next_hba_);
    return next_hba_;
  }

  void storage_object(const Json& json) {
    JsonReader reader(json, "storage object", problems_);
    const auto name = reader.text("name", true);
    const auto plugin = reader.text("plugin", true);
    if (!name || !plugin) return;
    reader.rename("/backstores/" + *plugin + "/" + *name);
    const BackstoreKind* const kind = kind_of_plugin(*plugin);
    if (!kind) {
      reader.report("backstores of type '" + *plugin + "' are not known", "it is not restored");
      return;
    }
    const auto there = devices_.find(std::pair(*plugin, *name));
    if (there != devices_.end() && !adjusts_) {
      reader.report("it is there already", "it stays as it is");
      return;
    }
    const auto steps = control_steps(reader, *plugin);
    if (!steps) return;
    if (there == devices_.end()) {
      make_device(reader, *kind, *name, *steps);
    } else if (read(there->second + "/enable") == "1") {
      grow(reader, there->second, *plugin);
      make_parts(reader, there->second);
    } else {
      open_device(reader, there->second, *steps);
    }
  }

  /// What is written before `enable`; nothing when something is missing.
  struct Steps {
    std::vector<std::string> control;
    std::string udev_path;
  };

  std::optional<Steps> control_steps(const JsonReader& reader, const std::string& plugin) {
    if (plugin == "ramdisk") return ramdisk_steps(reader);
    if (plugin == "user") return user_steps(reader);
    const auto dev = reader.text("dev", true);
    if (!dev) return std::nullopt;
    if (!fits_control(*dev)) {
      reader.report("its path has a comma or a newline in it", "rename the file");
      return std::nullopt;
    }
    Steps steps{{}, *dev};
    if (plugin == "fileio") {
      std::string text = "fd_dev_name=" + *dev;
      if (const auto size = reader.number("size", false))
        text += ",fd_dev_size=" + std::to_string(*size);
      if (reader.boolean("write_back", false).value_or(false)) text += ",fd_buffered_io=1";
      if (reader.boolean("aio", false).value_or(false)) text += ",fd_async_io=1";
      steps.control = {text};
    } else if (plugin == "block") {
      const bool read_only = reader.boolean("readonly", false).value_or(false);
      steps.control = {"udev_path=" + *dev, std::string("readonly=") + (read_only ? "1" : "0")};
      if (const auto exclusive = reader.boolean("exclusive", false))
        steps.control.push_back(std::string("exclusive=") + (*exclusive ? "1" : "0"));
    } else if (const auto address = address_(*dev); address && is_scsi_address(*address)) {
      const auto numbers = numbers_of_address(*address);
      steps.control = {"scsi_host_id=" + numbers[0] + ",scsi_channel_id=" + numbers[1] +
                       ",scsi_target_id=" + numbers[2] + ",scsi_lun_id=" + numbers[3]};
    }
    return steps;
  }

  static std::optional<Steps> ramdisk_steps(const JsonReader& reader) {
    const auto size = reader.number("size", true);
    if (!size) return std::nullopt;
    Steps steps{{"rd_pages=" + std::to_string((*size + page_size - 1) / page_size)}, {}};
    if (reader.boolean("nullio", false).value_or(false)) steps.control.emplace_back("rd_nullio=1");
    return steps;
  }

  static std::optional<Steps> user_steps(const JsonReader& reader) {
    const auto config = reader.text("config", true);
    const auto size = reader.number("size", true);
    if (!config || !size) return std::nullopt;
    if (!fits_control(*config)) {
      reader.report("its config has a comma or a newline in it", "correct it");
      return std::nullopt;
    }
    Steps steps{{"dev_config=" + *config, "dev_size=" + std::to_string(*size)}, {}};
    if (const auto sectors = reader.number("hw_max_sectors", false))
      steps.control.push_back("hw_max_sectors=" + std::to_string(*sectors));
    if (const auto more = reader.text("control", false)) steps.control.push_back(*more);
    return steps;
  }

  /// One that is in use gets longer, never shorter.
  void grow(const JsonReader& reader, const std::string& device, const std::string& plugin) {
    const auto size = reader.number("size", false);
    const std::uint64_t now = configured_size(read(device + "/info"), plugin);
    if (!size || now == 0 || *size <= now) return;
    const auto id = tree_.resolve("target/" + device);
    if (done(id, device)) done(lio::resize_device(tree_, *id, *size, false), device);
  }

  void make_device(const JsonReader& reader, const BackstoreKind& kind, const std::string& name,
                   const Steps& steps) {
    const std::string hba = std::string(kind.directory) + "_" + std::to_string(next_hba());
    const std::string device = "core/" + hba + "/" + name;
    if (!mkdir("core", hba)) return;
    if (!mkdir("core/" + hba, name)) {
      rmdir("core", hba);
      return;
    }
    devices_[std::pair(std::string(kind.plugin), name)] = device;
    open_device(reader, device, steps);
  }

  void open_device(const JsonReader& reader, const std::string& device, const Steps& steps) {
    for (const std::string& text : steps.control) write(device + "/control", text);
    if (!steps.udev_path.empty()) write(device + "/udev_path", steps.udev_path);
    // It stays when it cannot be enabled: what it needs may come later.
    const bool enabled = write(device + "/enable", "1");
    if (const auto serial = reader.text("wwn", false))
      write(device + "/wwn/vpd_unit_serial", *serial);
    if (enabled) make_parts(reader, device);
  }

  void make_parts(const JsonReader& reader, const std::string& device) {
    make_attributes(reader, device + "/attrib");
    make_port_groups(reader, device + "/alua");
  }

  void make_attributes(const JsonReader& reader, const std::string& directory) {
    const auto found = reader.json().find("attributes");
    if (found == reader.json().end()) return;
    if (!found->is_object()) {
      reader.report("'attributes' is not an object", "correct it");
      return;
    }
    const Group group = group_at(directory);
    for (const auto& item : found->items()) {
      const auto value = attribute_value(item.value());
      if (value)
        write_change(group, item.key(), *value, *value);
      else
        reader.report("attribute " + item.key() + " is neither a number nor a text", "correct it");
    }
  }

  void make_port_groups(const JsonReader& reader, const std::string& alua) {
    backwards(reader, "alua_tpgs", [&](const Json& json) {
      const JsonReader group(json, reader.name() + " alua_tpgs", problems_);
      const auto name = group.text("name", true);
      if (!name) return;
      const bool is_default = *name == "default_tg_pt_gp";
      if (!is_default && !mkdir(alua, *name)) return;
      const std::string path = alua + '/' + *name;
      if (const auto id = group.number("tg_pt_gp_id", false); id && !is_default)
        write_change(path + "/tg_pt_gp_id", std::to_string(*id));
      port_group_attributes(json, path);
    });
  }

  /// The state before the type, which may forbid to set it, and the status that it implies after
  /// it. Last whether states are saved at once: those that were, later than this configuration, are
  /// not to be written over.
  void port_group_attributes(const Json& json, const std::string& path) {
    const Group group = group_at(path);
    const auto set = [&](const std::string& key) {
      const auto found = json.find(key);
      const auto value = found == json.end() ? std::nullopt : attribute_value(*found);
      if (value) write_group_attribute(group, key, *value);
    };
    for (const auto& item : json.items())
      if (item.key() != "name" && item.key() != "tg_pt_gp_id" &&
          item.key() != "alua_write_metadata" && !item.key().starts_with("alua_access_"))
        set(item.key());
    set("alua_access_state");
    set("alua_access_status");
    set("alua_access_type");
    set("alua_write_metadata");
  }

  void write_group_attribute(const Group& group, const std::string& key, const std::string& value) {
    constexpr std::string_view types[] = {"None", "Implicit", "Explicit", "Implicit and Explicit"};
    constexpr std::string_view statuses[] = {"None", "Altered by Explicit STPG",
                                             "Altered by Implicit ALUA"};
    const auto number = decimal(value);
    std::string shown = value;
    if (key == "alua_access_type" && number && *number >= 0 && *number < 4) shown = types[*number];
    if (key == "alua_access_status" && number && *number >= 0 && *number < 3)
      shown = statuses[*number];
    write_change(group, key, value, shown);
  }

  // Targets

  void make_target(const Json& json) {
    JsonReader reader(json, "target", problems_);
    const auto wwn = reader.text("wwn", true);
    const auto fabric = reader.text("fabric", true);
    if (!wwn || !fabric) return;
    reader.rename("target " + *wwn);
    if (*fabric != "srpt") {
      reader.report("the fabric '" + *fabric + "' is not served, only srpt",
                    "LIO can go on to serve it");
      return;
    }
    const std::string port = directory_name(*wwn);
    if (!mkdir("", "srpt", true) || !mkdir("srpt", port, true)) return;
    make_parameters(reader, "srpt/" + port + "/param");
    backwards(reader, "tpgs", [&](const Json& tpg) { make_tpg(reader, tpg, "srpt/" + port); });
  }

  void make_parameters(const JsonReader& reader, const std::string& directory) {
    const auto found = reader.json().find("parameters");
    if (found == reader.json().end() || !found->is_object()) return;
    for (const auto& item : found->items())
      if (const auto value = attribute_value(item.value()))
        write_change(directory + '/' + item.key(), *value);
  }

  void make_tpg(const JsonReader& target, const Json& json, const std::string& port) {
    const JsonReader reader(json, target.name(), problems_);
    const std::string name = "tpgt_" + std::to_string(reader.number("tag", false).value_or(1));
    if (!mkdir(port, name, true)) return;
    const std::string tpg = port + '/' + name;
    make_attributes(reader, tpg + "/attrib");
    backwards(reader, "luns", [&](const Json& lun) { make_lun(reader, lun, tpg); });
    backwards(reader, "node_acls", [&](const Json& acl) { make_acl(reader, acl, tpg); });
    const auto named = reader.boolean("enable", false);
    const bool enable = named.value_or(false);
    if (enable || whole_ || (adjusts_ && named)) write_change(tpg + "/enable", enable ? "1" : "0");
  }

  void make_lun(const JsonReader& target, const Json& json, const std::string& tpg) {
    const JsonReader reader(json, target.name() + " lun", problems_);
    const auto index = reader.number("index", true);
    const auto object = reader.text("storage_object", true);
    if (!index || !object) return;
    const std::string device = find_device(*object);
    if (device.empty()) {
      reader.report("there is no " + *object, "make it, or correct the LUN");
      return;
    }
    const std::string name = "lun_" + std::to_string(*index);
    const std::string lun = tpg + "/lun/" + name;
    if (!mkdir(tpg + "/lun", name)) return;
    if (!link(lun, reader.text("alias", false).value_or("link"), device)) return;
    const auto found = json.find("alua_tg_pt_gp_name");
    if (found == json.end() || !found->is_string()) return;
    const auto group = found->get<std::string>();
    if (!read(lun + "/alua_tg_pt_gp").starts_with("TG Port Alias: " + group + "\n"))
      write(lun + "/alua_tg_pt_gp", group);
  }

  /// "/backstores/PLUGIN/NAME".
  std::string find_device(const std::string& object) const {
    constexpr std::string_view prefix = "/backstores/";
    const std::size_t slash = object.find('/', prefix.size());
    if (!object.starts_with(prefix) || slash == std::string::npos) return {};
    const auto found = devices_.find(
        std::pair(object.substr(prefix.size(), slash - prefix.size()), object.substr(slash + 1)));
    return found == devices_.end() ? std::string() : found->second;
  }

  void make_acl(const JsonReader& target, const Json& json, const std::string& tpg) {
    const JsonReader reader(json, target.name() + " acl", problems_);
    const auto wwn = reader.text("node_wwn", true);
    if (!wwn) return;
    const std::string name = directory_name(*wwn);
    if (!mkdir(tpg + "/acls", name)) return;
    const std::string acl = tpg + "/acls/" + name;
    if (const auto tag = reader.text("tag", false)) write_change(acl + "/tag", *tag);
    backwards(reader, "mapped_luns",
              [&](const Json& mapped) { make_mapping(reader, mapped, tpg, acl); });
  }

  void make_mapping(const JsonReader& parent, const Json& json, const std::string& tpg,
                    const std::string& acl) {
    const JsonReader reader(json, parent.name() + " mapped_luns", problems_);
    const auto index = reader.number("index", true);
    const auto lun = reader.number("tpg_lun", true);
    if (!index || !lun) return;
    const std::string name = "lun_" + std::to_string(*index);
    const std::string mapped = acl + '/' + name;
    if (!mkdir(acl, name)) return;
    if (!link(mapped, reader.text("alias", false).value_or("link"),
              tpg + "/lun/lun_" + std::to_string(*lun)))
      return;
    const auto protect = reader.boolean("write_protect", false);
    if (protect) write_change(mapped + "/write_protect", *protect ? "1" : "0");
  }

  tree::Tree& tree_;
  const bool adjusts_;
  const bool whole_;
  const ScsiAddress& address_;
  Problems problems_;
  std::map<std::pair<std::string, std::string>, std::string> devices_;  ///< plugin, name: path
  std::set<std::int64_t> hba_numbers_;
  std::int64_t next_hba_ = 0;
};

}  // namespace

std::optional<std::string> scsi_address(const std::string& path) {
  if (is_scsi_address(path)) return path;
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path device = fs::canonical(path, error).filename();
  if (error) return std::nullopt;
  for (const char* kind : {"block", "scsi_tape", "scsi_changer", "scsi_generic"}) {
    const auto found = fs::canonical(fs::path("/sys/class") / kind / device / "device", error);
    if (!error && is_scsi_address(found.filename().string())) return found.filename().string();
  }
  return std::nullopt;
}

Expected<Problems> restore_tree(tree::Tree& tree, std::string_view text,
                                const ScsiAddress& address) {
  const auto json = parse_json(text);
  if (!json) return tl::unexpected(json.error());
  return restore_tree(tree, *json, Existing::refuse, address);
}

Expected<Problems> restore_tree(tree::Tree& tree, const Json& json, Existing existing,
                                const ScsiAddress& address) {
  if (!json.is_object()) return failure("", "it is no JSON object", "is it the right file?");
  return Restorer(tree, existing, address).run(json);
}

}  // namespace srpd::control
