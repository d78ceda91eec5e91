// What connect, disconnect and the daemon share: the kernel's initiator of this machine.
#pragma once

#include <string>
#include <vector>

#include "find.h"
#include "kernel/files.h"
#include "kernel/sessions.h"

namespace srpd::cli {

/// Lines for a session: "LUN 0  sda  256 MiB  ..." for each disk.
std::string disk_lines(const std::vector<kernel::Disk>& disks);

}  // namespace srpd::cli
