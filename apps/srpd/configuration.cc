#include "srpd/configuration.h"

#include <sys/stat.h>

#include <map>
#include <utility>

#include "control/identity.h"

namespace srpd::app {
namespace {

Expected<scsi::PortId> target_id(const Options& options) {
  if (options.target_name.empty()) return control::derived_port_id(control::machine_seed());
  auto id = control::parse_port_id(options.target_name);
  if (!id) id.error().object = "--target-name '" + options.target_name + "'";
  return id;
}

Expected<void> check_is_block_device(const DiskOption& disk, const std::string& path) {
  struct stat status{};
  if (disk.kind != control::DiskKind::block || ::stat(path.c_str(), &status) != 0 ||
      S_ISBLK(status.st_mode))
    return {};
  return failure("--block " + path, "it is not a block device",
                 "serve a regular file with --file " + path);
}

}  // namespace

Expected<control::SavedConfiguration> configuration_from(const Options& options) {
  if (!options.config.empty()) return control::read_saveconfig(options.config);
  if (options.disks.empty()) {
    return failure("", "nothing to serve",
                   "name a disk, such as: srpd --ramdisk 256M --open, or a configuration: srpd "
                   "--config FILE (srpd --help tells more)");
  }
  const auto id = target_id(options);
  if (!id) return tl::make_unexpected(id.error());
  std::vector<control::StorageObject> disks;
  std::map<control::DiskKind, unsigned> count;
  for (const DiskOption& option : options.disks) {
    auto disk = control::parse_disk(option.kind, option.text, count[option.kind]++);
    if (!disk) return tl::make_unexpected(disk.error());
    if (auto checked = check_is_block_device(option, disk->store.path); !checked)
      return tl::make_unexpected(checked.error());
    disks.push_back(std::move(*disk));
  }
  return control::SavedConfiguration{
      control::quick_configuration(std::move(disks), *id, options.allow, options.open), {}};
}

void avoid_creating_files(control::Configuration& configuration) {
  for (control::StorageObject& object : configuration.storage_objects) {
    struct stat status{};
    const bool there = ::stat(object.store.path.c_str(), &status) == 0 &&
                       (status.st_size != 0 || !S_ISREG(status.st_mode));
    if (object.store.type != "fileio" || object.store.size == 0 || there) continue;
    object.store.type = "null";
    // The stand-in has no cache; the file will have the one that write_back says.
    std::erase_if(object.attributes, [](const auto& a) { return a.name == "emulate_write_cache"; });
  }
}

}  // namespace srpd::app
