// The few things done with mounts, each with its failure in words.
#pragma once

#include <string>

#include "base/error.h"

namespace srpd::ns {

/// A mount namespace for this process and its children. Later mounts of the machine appear in it;
/// what is mounted in it is seen nowhere else and ends with its last process.
Expected<void> enter_private_namespace();

/// `point` shows `source` from now on. Both exist and are of the same kind.
Expected<void> bind_mount(const std::string& source, const std::string& point);

/// `point` is an empty directory in memory from now on.
Expected<void> mount_memory(const std::string& point);

/// A directory of sysfs, in which nothing can be made: replaces it by one in memory that shows the
/// same, mounts included.
Expected<void> make_extensible(const std::string& directory);

}  // namespace srpd::ns
