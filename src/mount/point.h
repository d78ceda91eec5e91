// The directory that the tree is mounted on: is it free, and is what an earlier daemon left there
// taken away.
#pragma once

#include <string>

#include "base/error.h"

namespace srpd::mount {

/// How /proc/mounts names the type: scripts look for "configfs" there.
inline constexpr const char* mount_type = "fuse.configfs";

/// Makes the directory where it is missing, and takes the mount of a daemon that was killed off it.
/// Gives its path without links. The kernel's configfs may be mounted there: it is covered.
Expected<std::string> prepare_mount_point(const std::string& directory);

/// Whether this process can use FUSE at all.
Expected<void> check_fuse();

}  // namespace srpd::mount
