// SCST's scst.conf, which scstadmin writes and reads. Devices of its disk handlers become disks,
// and targets of its ib_srpt become srpt targets: a group is an ACL for each of its initiators.
#include <algorithm>
#include <map>
#include <set>

#include "control/identity.h"
#include "control/import/format.h"
#include "control/import/scst_blocks.h"
#include "control/tree_view.h"
#include "target/port.h"

namespace srpd::control {
namespace {

constexpr std::int64_t max_lun = 65535;
// Of all ACLs: a small file must not become a large one.
constexpr std::size_t max_mapped_luns = 1'000'000;

constexpr const char* other_names = "hosts that name the disk by it have to be told";

/// What a LUN shows.
struct Shown {
  std::int64_t lun = 0;
  std::string device;
  bool read_only = false;
  std::size_t line = 0;
};

class ScstReader {
 public:
  explicit ScstReader(const ImportSource& source) : source_(source) {}

  Imported run() {
    std::optional<ScstMistake> mistake;
    const ScstBlock file = parse_scst_blocks(source_.text, mistake);
    for (const ScstBlock& each : file.children)
      if (each.keyword() == "HANDLER") handler(each);
    for (const ScstBlock& each : file.children) {
      if (each.keyword() == "TARGET_DRIVER")
        driver(each);
      else if (each.keyword() == "DEVICE_GROUP")
        note(each, "ALUA groups are not carried over", "make them in srpd's tree");
      else if (each.keyword() != "HANDLER")
        note(each, "it configures SCST itself", "srpd has no counterpart");
    }
    if (mistake)
      imported_.note(source_.name, mistake->line, "", mistake->cause,
                     "what follows is not carried over");
    return std::move(imported_);
  }

 private:
  /// Without what stands behind IncomingUser and OutgoingUser: passwords.
  void note(const ScstBlock& block, std::string cause, std::string remedy = {}) {
    const bool secret = block.keyword().find("User") != std::string::npos;
    imported_.note(source_.name, block.line, secret ? block.keyword() : block.text(),
                   std::move(cause), std::move(remedy));
  }

  // Disks

  void handler(const ScstBlock& block) {
    const std::string name = block.value();
    for (const ScstBlock& each : block.children) {
      if (each.keyword() != "DEVICE") {
        note(each, "it configures SCST itself", "srpd has no counterpart");
      } else if (each.words.size() != 2) {
        note(each, "it needs one name", "it is left out");
      } else if (devices_.contains(each.words[1])) {
        note(each, "there are two of this name", "the first one is carried over");
      } else {
        device(name, each);
      }
    }
  }

  void device(const std::string& handler, const ScstBlock& block) {
    SavedJson made;
    if (handler == "vdisk_fileio")
      made = disk_object("fileio", block.words[1]);
    else if (handler == "vdisk_blockio")
      made = disk_object("block", block.words[1]);
    else if (handler == "vdisk_nullio")
      made = disk_object("ramdisk", block.words[1]);
    else
      return note(block, "devices of the handler " + handler + " have no counterpart",
                  handler.starts_with("dev_disk")
                      ? "it is left out: make a pscsi disk of the device"
                      : "it is left out");
    if (handler == "vdisk_nullio") {
      made["nullio"] = true;
      made["size"] = std::uint64_t{0};
    } else {
      const ScstBlock* const file = block.find("filename");
      if (!file || !file->value().starts_with('/'))
        return note(block, "its filename is no absolute path", "it is left out");
      made["dev"] = file->value();
      made["write_back"] = handler == "vdisk_fileio";
      if (handler == "vdisk_blockio") made["readonly"] = false;
    }
    for (const ScstBlock& each : block.children) device_setting(block, each, made);
    if (handler == "vdisk_nullio" && made["size"] == std::uint64_t{0})
      return note(block, "its size is missing", "it is left out: give it a size");
    if (!made.contains("wwn"))
      note(block, "it has no usn: its serial number will be another one", other_names);
    const std::string name = imported_.add_disk(made);
    made["name"] = name;
    devices_[block.words[1]] = disk_path(made);
  }

  void device_setting(const ScstBlock& device, const ScstBlock& setting, SavedJson& made) {
    const std::string& key = setting.keyword();
    const std::string value = setting.value();
    const bool on = value == "1";
    const bool file = made["plugin"] == "fileio";
    if (key == "filename" || key == "active" || (value == "0" && is_flag(key))) return;
    if (key == "usn") {
      made["wwn"] = value;
    } else if (key == "size" || key == "size_mb") {
      size(setting, made);
    } else if (key == "blocksize") {
      block_size(setting, made);
    } else if (key == "rotational") {
      made["attributes"]["is_nonrot"] = on ? 0 : 1;
    } else if (key == "thin_provisioned") {
      made["attributes"]["emulate_tpu"] = 1;
    } else if (key == "write_through") {
      if (file) made["write_back"] = false;
    } else if (key == "read_only" && made["plugin"] == "block") {
      made["readonly"] = true;
    } else if (key == "read_only") {
      protected_.insert(device.words[1]);
    } else if (key == "nv_cache") {
      note(setting, "it is not carried over: what a host asks to be on stable media is",
           "serve a device whose own cache survives");
    } else if (key == "o_direct") {
      note(setting, "it is not carried over: the disk goes through the page cache",
           "make a block disk of a device to go past it");
    } else if (key == "t10_dev_id" || key == "naa_id" || key == "eui64_id" ||
               key == "t10_vend_id" || key == "vend_specific_id" || key == "prod_id" ||
               key == "prod_rev_lvl" || key == "scsi_device_name" || key == "lun_serial") {
      note(setting, "INQUIRY data are LIO's, made from the serial number", other_names);
    } else {
      note(setting, "it has no counterpart");
    }
  }

  static bool is_flag(const std::string& key) {
    static const std::set<std::string, std::less<>> flags{
        "nv_cache",      "o_direct",         "read_only",    "removable",
        "write_through", "thin_provisioned", "cluster_mode", "zero_copy",
        "dif_filename",  "expl_alua",        "dummy"};
    return flags.contains(key);
  }

  void size(const ScstBlock& setting, SavedJson& made) {
    const auto value = decimal(setting.value());
    const std::int64_t unit = setting.keyword() == "size_mb" ? std::int64_t{1} << 20 : 1;
    if (!value || *value <= 0 || *value > INT64_MAX / unit) return note(setting, "it is no size");
    if (made["plugin"] != "block") made["size"] = static_cast<std::uint64_t>(*value * unit);
  }

  void block_size(const ScstBlock& setting, SavedJson& made) {
    const auto value = decimal(setting.value());
    if (value == 512) return;
    if (value == 1024 || value == 2048 || value == 4096)
      made["attributes"]["block_size"] = *value;
    else
      note(setting, "such blocks are not possible",
           "512, 1024, 2048 or 4096; its partitions depend on it");
  }

  // Targets

  void driver(const ScstBlock& block) {
    const bool srp = block.value() == "ib_srpt";
    for (const ScstBlock& each : block.children) {
      if (each.keyword() != "TARGET")
        note(each, "of the driver " + block.value() + ": it has no counterpart");
      else if (srp)
        target(each);
      else
        note(each, "of the driver " + block.value() + ": srpd serves SRP only",
             "its disks are carried over; make an srpt target with them, or leave it to SCST");
    }
  }

  void target(const ScstBlock& block) {
    const auto id = parse_port_id(block.value());
    if (block.words.size() != 2 || !id)
      return note(block, "its name is no target port identifier",
                  "make an srpt target of another name with its disks");
    const ScstBlock* const enabled = block.find("enabled");
    luns_.clear();
    numbers_.clear();
    initiators_.clear();
    next_free_ = 0;
    SavedJson acls = SavedJson::array();
    bool for_all = false;
    for (const ScstBlock& each : block.children) {
      if (each.keyword() == "LUN") {
        for_all |= of_everybody(each);
      } else if (each.keyword() == "GROUP") {
        group(each, acls);
      } else if (each.keyword() != "enabled" && each.keyword() != "rel_tgt_id") {
        note(each, "it has no counterpart");
      }
    }
    if (for_all)
      note(block,
           "every host that is in no group sees its LUNs there; srpd lets in hosts with an "
           "ACL only",
           "make an ACL for each of them");
    imported_.add_target({{"fabric", "srpt"},
                          {"wwn", "ib." + hex(*id)},
                          {"parameters", SavedJson::object()},
                          {"tpgs",
                           {{{"tag", 1},
                             {"enable", enabled != nullptr && enabled->value() == "1"},
                             {"attributes", SavedJson::object()},
                             {"luns", luns()},
                             {"node_acls", std::move(acls)},
                             {"portals", SavedJson::array()}}}}});
  }

  /// "LUN 0 disk1", with attributes in a block or behind it.
  std::optional<Shown> shown(const ScstBlock& block) {
    const auto lun = block.words.size() >= 3 ? decimal(block.words[1]) : std::nullopt;
    if (!lun || *lun < 0 || *lun > max_lun) {
      note(block, "a number from 0 to 65535 and a device have to stand there", "it is left out");
      return std::nullopt;
    }
    const auto device = devices_.find(block.words[2]);
    if (device == devices_.end()) {
      note(block, "its device is not carried over", "it is left out");
      return std::nullopt;
    }
    const ScstBlock* const own = block.find("read_only");
    const bool read_only =
        (own != nullptr && own->value() == "1") || protected_.contains(block.words[2]);
    return Shown{*lun, device->second, read_only, block.line};
  }

  bool of_everybody(const ScstBlock& block) {
    const auto lun = shown(block);
    if (lun && !luns_.try_emplace(lun->lun, lun->device).second)
      note(block, "there are two LUNs of this number", "the first one is carried over");
    else if (lun)
      numbers_.try_emplace(lun->device, lun->lun);
    return lun.has_value();
  }

  /// The target's LUN that leads to `device`: one that is there, or a new one, with the wanted
  /// number where it is free.
  std::int64_t lun_of(const std::string& device, std::int64_t wanted) {
    if (const auto known = numbers_.find(device); known != numbers_.end()) return known->second;
    std::int64_t number = wanted;
    if (luns_.contains(number)) {
      while (luns_.contains(next_free_)) ++next_free_;
      number = next_free_;
    }
    luns_[number] = device;
    numbers_[device] = number;
    return number;
  }

  void group(const ScstBlock& block, SavedJson& acls) {
    std::map<std::int64_t, Shown> seen;
    std::vector<const ScstBlock*> initiators;
    for (const ScstBlock& each : block.children) {
      if (each.keyword() == "INITIATOR") {
        initiators.push_back(&each);
      } else if (each.keyword() != "LUN") {
        note(each, "it has no counterpart");
      } else if (const auto lun = shown(each); lun && !seen.try_emplace(lun->lun, *lun).second) {
        note(each, "there are two LUNs of this number", "the first one is carried over");
      }
    }
    SavedJson mapped = SavedJson::array();
    for (const auto& [number, lun] : seen) {
      if (luns_.size() > static_cast<std::size_t>(max_lun)) {
        note(block, "the target has no free LUN left", "not all of its LUNs are carried over");
        break;
      }
      mapped.push_back({{"index", number},
                        {"tpg_lun", lun_of(lun.device, number)},
                        {"write_protect", lun.read_only}});
    }
    for (const ScstBlock* const each : initiators) initiator(*each, mapped, acls);
  }

  void initiator(const ScstBlock& block, const SavedJson& mapped, SavedJson& acls) {
    const std::string name = block.value();
    const auto key = target::AclKey::parse(name);
    if (!key)
      return note(block, "it names no single initiator port",
                  "make an ACL for each host: an IP address, 0x and 32 hex digits of the initiator "
                  "port identifier, or a GUID xxxx:xxxx:xxxx:xxxx");
    if (!initiators_.insert(saved_name(name)).second)
      return note(block, "it is in two groups", "what the first one shows is carried over");
    mapped_luns_ += mapped.size();
    if (mapped_luns_ > max_mapped_luns)
      return note(block, "there are more than a million mapped LUNs", "it is left out");
    acls.push_back({{"node_wwn", saved_name(name)}, {"mapped_luns", mapped}});
  }

  SavedJson luns() const {
    SavedJson out = SavedJson::array();
    for (const auto& [number, path] : luns_)
      out.push_back({{"index", number}, {"storage_object", path}});
    return out;
  }

  const ImportSource& source_;
  Imported imported_;
  std::map<std::string, std::string> devices_;  // name, path in saveconfig.json
  std::set<std::string> protected_;             // devices, for each mapped LUN
  std::size_t mapped_luns_ = 0;
  // Of the target at hand:
  std::map<std::int64_t, std::string> luns_;
  std::map<std::string, std::int64_t> numbers_;  // the first LUN of a disk
  std::set<std::string> initiators_;
  std::int64_t next_free_ = 0;
};

bool recognizes(const ImportSource& source) {
  if (source.tree != nullptr) return false;
  const std::string text = "\n" + source.text;
  return text.find("\nHANDLER ") != std::string::npos ||
         text.find("\nTARGET_DRIVER ") != std::string::npos;
}

Expected<Imported> read(const ImportSource& source) { return ScstReader(source).run(); }

}  // namespace

const ImportFormat scst_format{"scst", "scst.conf of SCST", &recognizes, &read};

}  // namespace srpd::control
