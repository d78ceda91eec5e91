// The format: one object with storage_objects and targets; see the comments at each part. Keys that
// LIO writes and that mean nothing here are known by name, so that any other one can be reported.
#include "control/saveconfig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include "control/identity.h"
#include "control/json_reader.h"
#include "store/size_text.h"

namespace srpd::control {
namespace {

constexpr std::size_t max_file_size = std::size_t{256} << 20;

void report_unknown_keys(const JsonReader& reader, std::initializer_list<std::string_view> known) {
  for (const auto& item : reader.json().items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end())
      reader.report("unknown entry '" + item.key() + "'", "it has no effect; remove it");
  }
}

/// Attributes are numbers; LIO writes one that does not parse as a number as text.
void read_attributes(const JsonReader& object, std::vector<AttributeSetting>& settings,
                     Problems& problems) {
  const auto found = object.json().find("attributes");
  if (found == object.json().end()) return;
  if (!found->is_object()) {
    object.report("'attributes' is not an object", "correct it");
    return;
  }
  const JsonReader reader(*found, object.name() + " attributes", problems);
  for (const auto& item : found->items()) {
    if (const auto value = reader.number(item.key(), true))
      settings.push_back({item.key(), *value});
  }
}

/// Groups beyond the default one, or that one in another state than Active/Optimized (0).
void report_alua_groups(const JsonReader& object) {
  object.for_each_object("alua_tpgs", [&](const Json& group) {
    const std::string name = group.value("name", Json("?")).dump();
    const Json state = group.value("alua_access_state", Json(0));
    if (name == "\"default_tg_pt_gp\"" && state == 0) return;
    object.report("the ALUA group " + name + " is not served",
                  "its LUNs are in the default group, Active/Optimized");
  });
}

class SaveconfigParser {
 public:
  SavedConfiguration run(const Json& json) {
    const JsonReader reader(json, "saveconfig", saved_.problems);
    report_unknown_keys(reader, {"fabric_modules", "storage_objects", "targets"});
    reader.for_each_object("fabric_modules", [&](const Json& entry) { fabric_module(entry); });
    reader.for_each_object("storage_objects", [&](const Json& entry) { storage_object(entry); });
    reader.for_each_object("targets", [&](const Json& entry) { target(entry); });
    if (!reader.has("storage_objects") && !reader.has("targets"))
      reader.report("it has neither storage_objects nor targets", "is it the right file?");
    return std::move(saved_);
  }

 private:
  Configuration& configuration() { return saved_.configuration; }

  /// ib_srpt's own settings, by its names; other fabrics' have no effect.
  void fabric_module(const Json& json) {
    JsonReader reader(json, "fabric module", saved_.problems);
    const auto name = reader.text("name", true);
    if (!name) return;
    reader.rename("fabric module " + *name);
    if (*name != "srpt") {
      reader.report("its settings are not served, only those of srpt", "they have no effect");
      return;
    }
    report_unknown_keys(reader, {"name", "rdma_cm_port", "srp_max_req_size", "srpt_srq_size"});
    FabricSettings& settings = configuration().fabric;
    settings.rdma_cm_port = within(reader, "rdma_cm_port", 0, UINT16_MAX);
    settings.srp_max_req_size = within(reader, "srp_max_req_size", 256, 65536);
    settings.srpt_srq_size = within(reader, "srpt_srq_size", 0, 32767);
  }

  static std::optional<std::uint32_t> within(const JsonReader& reader, std::string_view key,
                                             std::uint32_t least, std::uint32_t most) {
    const auto value = reader.number32(key, false);
    if (!value || (*value >= least && *value <= most)) return value;
    reader.report(std::string(key) + " is " + std::to_string(*value),
                  "a number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }

  void storage_object(const Json& json) {
    JsonReader reader(json, "storage object", saved_.problems);
    const auto name = reader.text("name", true);
    const auto plugin = reader.text("plugin", true);
    if (!name || !plugin) return;
    reader.rename("storage object /backstores/" + *plugin + "/" + *name);
    StorageObject object;
    object.plugin = *plugin;
    object.store.name = *name;
    if (name->empty() || name->find('/') != std::string::npos) {
      reader.report("its name is empty or has a slash in it", "rename it");
      return;
    }
    if (*plugin == "ramdisk") {
      if (!ramdisk(reader, object)) return;
    } else if (*plugin == "fileio") {
      if (!fileio(reader, object)) return;
    } else if (*plugin == "block") {
      if (!block(reader, object)) return;
    } else if (*plugin == "pscsi") {
      if (!pscsi(reader, object)) return;
    } else {
      reader.report("backstores of type '" + *plugin + "' are not served",
                    "LIO can go on to serve it");
      return;
    }
    object.unit_serial = reader.text("wwn", false).value_or("");
    read_attributes(reader, object.attributes, saved_.problems);
    take_block_size(object);
    report_alua_groups(reader);
    configuration().storage_objects.push_back(std::move(object));
  }

  static bool ramdisk(const JsonReader& reader, StorageObject& object) {
    report_unknown_keys(reader,
                        {"name", "plugin", "attributes", "alua_tpgs", "size", "wwn", "nullio"});
    const auto size = reader.number("size", true);
    if (!size) return false;
    object.store.size = *size;
    object.store.type = reader.boolean("nullio", false).value_or(false) ? "null" : "ramdisk";
    return true;
  }

  static bool fileio(const JsonReader& reader, StorageObject& object) {
    report_unknown_keys(reader, {"name", "plugin", "attributes", "alua_tpgs", "size", "wwn", "dev",
                                 "write_back", "aio"});
    const auto dev = reader.text("dev", true);
    if (!dev) return false;
    object.store.type = "fileio";
    object.store.path = *dev;
    // A block device has its own size, and LIO ignores this one then.
    object.store.size = is_block_device(*dev) ? 0 : reader.number("size", false).value_or(0);
    object.store.dsync = !reader.boolean("write_back", false).value_or(false);
    return true;
  }

  /// write_back says nothing here: the cache is the device's.
  static bool block(const JsonReader& reader, StorageObject& object) {
    report_unknown_keys(reader, {"name", "plugin", "attributes", "alua_tpgs", "wwn", "dev",
                                 "write_back", "readonly", "exclusive"});
    const auto dev = reader.text("dev", true);
    if (!dev) return false;
    object.store.type = "iblock";
    object.store.path = *dev;
    // As with mapped LUNs: protection that cannot be read is protection.
    object.store.read_only = reader.boolean("readonly", false).value_or(reader.has("readonly"));
    object.store.exclusive = reader.boolean("exclusive", false).value_or(true);
    return true;
  }

  static bool pscsi(const JsonReader& reader, StorageObject& object) {
    report_unknown_keys(reader, {"name", "plugin", "attributes", "alua_tpgs", "dev"});
    const auto dev = reader.text("dev", true);
    if (!dev) return false;
    object.store.type = "pscsi";
    object.store.path = *dev;
    return true;
  }

  static bool is_block_device(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
  }

  static void take_block_size(StorageObject& object) {
    const auto found = std::find_if(object.attributes.begin(), object.attributes.end(),
                                    [](const auto& a) { return a.name == "block_size"; });
    if (found == object.attributes.end()) return;
    object.store.block_size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(found->value, UINT32_MAX));
    object.attributes.erase(found);
  }

  void target(const Json& json) {
    JsonReader reader(json, "target", saved_.problems);
    const auto wwn = reader.text("wwn", true);
    const auto fabric = reader.text("fabric", true);
    if (!wwn || !fabric) return;
    reader.rename("target " + *wwn);
    if (*fabric != "srpt") {
      reader.report("the fabric '" + *fabric + "' is not served, only srpt",
                    "LIO can go on to serve it");
      return;
    }
    const auto id = parse_port_id(*wwn);
    if (!id) {
      reader.report(id.error().cause, id.error().remedy);
      return;
    }
    const auto same = std::find_if(configuration().targets.begin(), configuration().targets.end(),
                                   [&](const Target& other) { return other.id == *id; });
    if (same != configuration().targets.end()) {
      reader.report("there are two targets of this name", "the first one is served");
      return;
    }
    report_unknown_keys(reader, {"fabric", "wwn", "parameters", "tpgs"});
    Target made{.name = *wwn, .id = *id, .tpgs = {}};
    reader.for_each_object("tpgs", [&](const Json& entry) { tpg(reader, entry, made); });
    configuration().targets.push_back(std::move(made));
  }

  /// ib_srpt's attributes size its own queues, which are not ours: they are not reported.
  void tpg(const JsonReader& target, const Json& json, Target& made) {
    const JsonReader reader(json, target.name(), saved_.problems);
    if (!made.tpgs.empty()) {
      reader.report("there is more than one tpg", "SRP has one per port: the first one is served");
      return;
    }
    report_unknown_keys(
        reader, {"tag", "enable", "attributes", "luns", "node_acls", "portals", "parameters"});
    Tpg tpg;
    tpg.tag = static_cast<std::uint16_t>(
        std::clamp<std::uint32_t>(reader.number32("tag", false).value_or(1), 1, UINT16_MAX));
    tpg.enabled = reader.boolean("enable", false).value_or(false);
    reader.for_each_object("luns", [&](const Json& entry) { lun(reader, entry, tpg); });
    reader.for_each_object("node_acls", [&](const Json& entry) { node_acl(reader, entry, tpg); });
    made.tpgs.push_back(std::move(tpg));
  }

  void lun(const JsonReader& tpg_reader, const Json& json, Tpg& tpg) {
    const JsonReader reader(json, tpg_reader.name() + " LUN", saved_.problems);
    report_unknown_keys(reader, {"index", "alias", "storage_object", "alua_tg_pt_gp_name"});
    const auto index = reader.number32("index", true);
    const auto object = reader.text("storage_object", true);
    if (index && object) tpg.luns.push_back({*index, *object});
  }

  void node_acl(const JsonReader& tpg_reader, const Json& json, Tpg& tpg) {
    JsonReader reader(json, tpg_reader.name() + " ACL", saved_.problems);
    const auto wwn = reader.text("node_wwn", true);
    if (!wwn) return;
    reader.rename(tpg_reader.name() + " ACL " + *wwn);
    report_unknown_keys(reader, {"node_wwn", "mapped_luns", "tag", "attributes"});
    Acl acl{.initiator = *wwn, .all_luns = false, .luns = {}};
    reader.for_each_object("mapped_luns", [&](const Json& entry) {
      const JsonReader mapped(entry, reader.name() + " mapped LUN", saved_.problems);
      report_unknown_keys(mapped, {"index", "tpg_lun", "write_protect", "alias"});
      const auto index = mapped.number32("index", true);
      const auto tpg_lun = mapped.number32("tpg_lun", true);
      if (!index || !tpg_lun) return;
      // Protection that cannot be read is protection: a host must not write by a typing error.
      const bool write_protect =
          mapped.boolean("write_protect", false).value_or(mapped.has("write_protect"));
      acl.luns.push_back({*index, *tpg_lun, write_protect});
    });
    tpg.acls.push_back(std::move(acl));
  }

  SavedConfiguration saved_;
};

Expected<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    return failure(path, "cannot open: " + errno_text(error),
                   error == ENOENT   ? "targetcli saves to /etc/target/saveconfig.json (Debian: "
                                       "/etc/rtslib-fb-target/saveconfig.json)"
                   : error == EACCES ? "saved configurations are for root only: let this user read "
                                       "it, or use a copy"
                                     : "");
  }
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0 && text.size() <= max_file_size)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  const int error = got < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) return failure(path, "cannot read: " + errno_text(error));
  if (text.size() > max_file_size) {
    return failure(path, "it is larger than " + store::format_size(max_file_size),
                   "is it the right file?");
  }
  return text;
}

}  // namespace

Expected<SavedConfiguration> parse_saveconfig(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return tl::make_unexpected(json.error());
  if (!json->is_object()) {
    return failure("", std::string("it holds ") + json->type_name() + ", not an object",
                   "is it the right file?");
  }
  return SaveconfigParser().run(*json);
}

Expected<SavedConfiguration> read_saveconfig(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::make_unexpected(text.error());
  auto saved = parse_saveconfig(*text);
  if (!saved) {
    Error error = saved.error();
    error.object = path;
    return tl::make_unexpected(std::move(error));
  }
  return saved;
}

}  // namespace srpd::control
