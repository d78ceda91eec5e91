#include "ns/configfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "mount/mount_table.h"
#include "mount/point.h"
#include "ns/mounts.h"

namespace srpd::ns {
namespace {

namespace fs = std::filesystem;

constexpr const char* sys_kernel = "/sys/kernel";
constexpr const char* configfs = "/sys/kernel/config";
constexpr const char* sys_class = "/sys/class";
constexpr const char* infiniband = "/sys/class/infiniband";
constexpr const char* device_name = "srpd0";
constexpr const char* undo = "'srpctl umount' takes it away";
constexpr std::size_t name_digits = 32;

bool is_directory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Expected<Form> without_configfs(const std::string& tree) {
  if (auto done = make_extensible(sys_kernel); !done) return tl::unexpected(done.error());
  std::error_code error;
  fs::create_directory(configfs, error);
  if (error) return failure(configfs, error.message());
  if (auto done = bind_mount(tree, configfs); !done) return tl::unexpected(done.error());
  return Form::without_configfs;
}

/// Whether what is seen there is a tree of srpd's.
bool shown_at(const std::string& place) {
  const auto table = mount::mount_table();
  const mount::Mounted* const mounted = mount::find_mounted(table, place);
  return mounted != nullptr && mounted->type == mount::mount_type;
}

/// As sysfs has it: four digits, a colon.
std::string gid_text(std::string_view name) {
  std::string text;
  for (std::size_t at = 0; at < name.size(); at += 4) {
    if (at != 0) text += ':';
    text += name.substr(at, 4);
  }
  return text;
}

Expected<void> make_port(const fs::path& ports, std::size_t number, const std::string& name) {
  const fs::path gids = ports / std::to_string(number) / "gids";
  std::error_code error;
  fs::create_directories(gids, error);
  std::ofstream file(gids / "0");
  file << gid_text(name) << '\n';
  file.close();
  if (error || !file)
    return failure((gids / "0").string(), "it cannot be written", "free some memory");
  return {};
}

}  // namespace

Expected<void> check_tree(const std::string& tree) {
  const std::string remedy = "mount the tree first, or say with --tree where it is";
  std::error_code error;
  const fs::path place = fs::weakly_canonical(tree, error);
  const auto table = mount::mount_table();
  const mount::Mounted* const mounted = mount::find_mounted(table, error ? tree : place.string());
  if (mounted == nullptr || mounted->type != mount::mount_type)
    return failure(tree, "no tree is mounted here", remedy);
  struct statx status{};
  if (::statx(AT_FDCWD, tree.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status) != 0)
    return failure(tree, errno == ENOTCONN ? "nobody serves this tree any more" : errno_text(errno),
                   remedy);
  if (!is_directory(tree + "/target"))
    return failure(tree, "there is no target/ in it, so it is not the tree of srpd", remedy);
  return {};
}

Expected<Form> show_tree(const std::string& tree) {
  if (!is_directory(configfs)) return without_configfs(tree);
  const auto table = mount::mount_table();
  const mount::Mounted* const mounted = mount::find_mounted(table, configfs);
  if (mounted != nullptr && mounted->type == mount::mount_type) {
    const mount::Mounted* const ours = mount::find_mounted(table, fs::canonical(tree).string());
    if (ours != nullptr && ours->device == mounted->device) return Form::already_there;
  }
  const std::string target = std::string(configfs) + "/target";
  const bool lio = mounted != nullptr && mounted->type == "configfs" && is_directory(target);
  const auto done = lio ? bind_mount(tree + "/target", target) : bind_mount(tree, configfs);
  if (!done) return tl::unexpected(done.error());
  return lio ? Form::beside_lio : Form::over_configfs;
}

std::vector<std::string> other_subsystems() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(configfs, error)) {
    const std::string name = entry.path().filename().string();
    if (name != "target" && entry.is_directory(error)) names.push_back(name);
  }
  return names;
}

Expected<void> show_everywhere(const std::string& tree) {
  if (!is_directory(configfs))
    return failure(configfs, "this kernel has no configfs", "use 'srpctl ns', which needs none");
  if (shown_at(configfs)) return failure(configfs, "a tree is mounted here already", undo);
  if (is_directory(std::string(configfs) + "/target"))
    return failure(configfs, "the kernel's own target is loaded",
                   "unload it, or use 'srpctl ns', which leaves it alone");
  const auto others = other_subsystems();
  for (const std::string& name : others)
    if (!is_directory(tree + '/' + name))
      return failure(tree, fmt::format("it has no place for {}/{}", configfs, name),
                     "restart srpd, which makes a place for all that are there when it starts");
  // Leads to what is below the new mount.
  const int below = ::open(configfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (below < 0) return failure(configfs, errno_text(errno), "run as root");
  Expected<void> done = bind_mount(tree, configfs);
  const bool covered = done.has_value();
  for (const std::string& name : others) {
    if (!done) break;
    done = bind_mount(fmt::format("/proc/self/fd/{}/{}", below, name),
                      fmt::format("{}/{}", configfs, name));
  }
  ::close(below);
  if (!done && covered) ::umount2(configfs, MNT_DETACH);
  return done;
}

Expected<void> hide_everywhere() {
  if (!shown_at(configfs))
    return failure(configfs, "no tree is mounted here", "'srpctl mount' mounts one");
  if (::umount2(configfs, MNT_DETACH) != 0)
    return failure(configfs, errno_text(errno), "run as root");
  return {};
}

Expected<void> show_ports(const std::vector<std::string>& names) {
  std::error_code error;
  if (!is_directory(infiniband)) {
    if (auto done = make_extensible(sys_class); !done) return done;
    fs::create_directory(infiniband, error);
    if (error) return failure(infiniband, error.message());
  } else if (!fs::is_empty(infiniband, error)) {
    return {};
  } else if (auto done = mount_memory(infiniband); !done) {
    return done;
  }
  const fs::path ports = fs::path(infiniband) / device_name / "ports";
  for (std::size_t i = 0; i < names.size(); ++i)
    if (auto made = make_port(ports, i + 1, names[i]); !made) return made;
  return {};
}

std::vector<std::string> target_names(const std::string& tree) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(tree + "/target/srpt", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("0x") && name.size() == name_digits + 2) names.push_back(name.substr(2));
  }
  std::reverse(names.begin(), names.end());  // the oldest first
  return names;
}

}  // namespace srpd::ns
