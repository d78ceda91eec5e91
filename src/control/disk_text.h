// Disks as the command line names them: "256M,serial=abc", "/srv/disk.img:10G,dsync",
// "/dev/sdb,ro".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/model.h"

namespace srpd::control {

enum class DiskKind { ramdisk, file, null, block, scsi };

/// The options behind the comma, for help texts.
std::string_view disk_options(DiskKind kind);

/// `ordinal` counts the disks of this kind from 0 and makes the default name: "ram0".
Expected<StorageObject> parse_disk(DiskKind kind, std::string_view text, unsigned ordinal);

/// One target with these disks as LUNs 0, 1, ...; `allowed` are initiators, each of which sees all.
Configuration quick_configuration(std::vector<StorageObject> disks, const scsi::PortId& target,
                                  const std::vector<std::string>& allowed, bool open);

}  // namespace srpd::control
