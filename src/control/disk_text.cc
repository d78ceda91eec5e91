#include "control/disk_text.h"

#include <sys/stat.h>

#include <array>

#include "control/identity.h"
#include "store/size_text.h"

namespace srpd::control {
namespace {

struct Kind {
  std::string_view flag;         ///< for messages
  std::string_view name_prefix;  ///< of objects without a name
  std::string_view plugin;
  std::string_view type;
  std::string_view options;
  std::string_view example;
  Expected<void> (*take)(std::string_view text, StorageObject& object);  ///< before the comma
};

constexpr std::string_view common_options = "ro, name=NAME, serial=TEXT, block=512|4096";
constexpr std::string_view file_options =
    "buffered, direct, dsync, ro, name=NAME, serial=TEXT, block=512|4096";

constexpr std::string_view pass_through_options = "ro, name=NAME";

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool exists(std::string_view path) {
  struct stat status{};
  return ::stat(std::string(path).c_str(), &status) == 0;
}

/// "PATH" or "PATH:SIZE". A path that exists with its colon is a path; a colon that no digit
/// follows belongs to it as well.
Expected<void> take_path(std::string_view text, StorageObject& object) {
  const std::size_t colon = text.rfind(':');
  const bool sized = colon != std::string_view::npos && colon + 1 < text.size() &&
                     text[colon + 1] >= '0' && text[colon + 1] <= '9' && !exists(text);
  object.store.path = text.substr(0, sized ? colon : text.size());
  if (!sized) return {};
  const auto size = store::parse_size(text.substr(colon + 1));
  if (!size) return tl::make_unexpected(size.error());
  object.store.size = *size;
  return {};
}

/// All of it: a device has its own size.
Expected<void> take_device(std::string_view text, StorageObject& object) {
  object.store.path = text;
  return {};
}

Expected<void> take_size(std::string_view text, StorageObject& object) {
  const auto size = store::parse_size(text);
  if (!size) return tl::make_unexpected(size.error());
  object.store.size = *size;
  return {};
}

const Kind& kind_of(DiskKind kind) {
  static constexpr std::array kinds{
      Kind{"--ramdisk", "ram", "ramdisk", "ramdisk", common_options, "--ramdisk 256M", take_size},
      Kind{"--file", "file", "fileio", "fileio", file_options, "--file /srv/disk.img:10G",
           take_path},
      Kind{"--null", "null", "ramdisk", "null", common_options, "--null 1T", take_size},
      Kind{"--block", "block", "block", "iblock", common_options, "--block /dev/sdb", take_device},
      Kind{"--scsi", "scsi", "pscsi", "pscsi", pass_through_options, "--scsi /dev/sg0",
           take_device},
  };
  return kinds[static_cast<std::size_t>(kind)];
}

bool take_mode(std::string_view option, StorageObject& object) {
  if (option == "direct")
    object.store.direct = true;
  else if (option == "dsync")
    object.store.dsync = true;
  else if (option == "buffered")
    object.store.direct = object.store.dsync = false;
  else
    return false;
  return true;
}

Expected<void> take_option(const Kind& kind, std::string_view option, StorageObject& object) {
  const std::size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  // The serial and the blocks of a pass-through unit are the device's.
  const bool ours = kind.type != "pscsi";
  if (option == "ro") {
    object.store.read_only = true;
  } else if (name == "name" && !value.empty() && value.find('/') == std::string_view::npos) {
    object.store.name = value;
  } else if (ours && name == "serial" && !value.empty()) {
    object.unit_serial = value;
  } else if (ours && (option == "block=512" || option == "block=4096")) {
    object.store.block_size = value == "512" ? 512 : 4096;
  } else if (kind.type != "fileio" || !take_mode(option, object)) {
    return failure(std::string(kind.flag), "unknown option '" + std::string(option) + "'",
                   "possible: " + std::string(kind.options) +
                       " (a path with a comma in it has to be renamed or linked)");
  }
  return {};
}

}  // namespace

std::string_view disk_options(DiskKind kind) { return kind_of(kind).options; }

Expected<StorageObject> parse_disk(DiskKind disk_kind, std::string_view text, unsigned ordinal) {
  const Kind& kind = kind_of(disk_kind);
  const std::vector<std::string_view> parts = split(text);
  StorageObject object;
  object.plugin = kind.plugin;
  object.store.type = kind.type;
  object.store.name = std::string(kind.name_prefix) + std::to_string(ordinal);
  if (parts.front().empty()) {
    return failure(std::string(kind.flag), "its value is empty",
                   "write it like this: " + std::string(kind.example));
  }
  const auto taken = kind.take(parts.front(), object);
  if (!taken) return tl::make_unexpected(taken.error());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (auto option = take_option(kind, parts[i], object); !option)
      return tl::make_unexpected(option.error());
  }
  return object;
}

Configuration quick_configuration(std::vector<StorageObject> disks, const scsi::PortId& target,
                                  const std::vector<std::string>& allowed, bool open) {
  Tpg tpg;
  tpg.open = open;
  for (const StorageObject& disk : disks)
    tpg.luns.push_back({static_cast<std::uint32_t>(tpg.luns.size()), disk.path()});
  for (const std::string& initiator : allowed)
    tpg.acls.push_back({.initiator = initiator, .all_luns = true, .luns = {}});
  Configuration configuration;
  configuration.storage_objects = std::move(disks);
  configuration.targets.push_back(
      {.name = "0x" + hex(target), .id = target, .tpgs = {std::move(tpg)}});
  return configuration;
}

}  // namespace srpd::control
