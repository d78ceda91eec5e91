// What is mounted where, as proc(5) tells it in /proc/PID/mountinfo. Looking there touches no
// mount, so it is safe for one that nobody serves.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace srpd::mount {

/// Number of a file system; several mounts can show it.
struct Device {
  unsigned major = 0;
  unsigned minor = 0;
  bool operator==(const Device&) const = default;
};

struct Mounted {
  Device device;
  std::string root;    ///< which part of the file system is shown; "/" for all of it
  std::string point;   ///< where
  std::string type;    ///< "ext4", "fuse.configfs"
  std::string source;  ///< "/dev/vda"
};

/// In the order in which they were mounted: of two at one point the later one is seen. Lines that
/// are not understood are left out.
std::vector<Mounted> parse_mount_table(std::string_view text);

/// As the process sees it; empty when it cannot be read. 0: the calling process.
std::vector<Mounted> mount_table(pid_t process = 0);

/// What is seen at exactly that path, or null.
const Mounted* find_mounted(const std::vector<Mounted>& table, std::string_view point);

}  // namespace srpd::mount
