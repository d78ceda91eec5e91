#include "mount/point.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "mount/mount_table.h"

namespace srpd::mount {
namespace {

namespace fs = std::filesystem;

constexpr unsigned max_left_mounts = 64;

/// The parent's links are resolved; the directory itself is not touched, since it may be a mount
/// that nobody serves.
Expected<fs::path> place_of(const std::string& directory) {
  std::error_code error;
  fs::path path = fs::absolute(directory, error).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (directory.empty() || error || !path.has_filename())
    return failure("mount point '" + directory + "'", "it is no path of a directory",
                   "give the path of an empty directory, such as /run/srpd/tree");
  fs::create_directories(path.parent_path(), error);
  const fs::path parent = fs::canonical(path.parent_path(), error);
  if (error)
    return failure(directory, "its parent directory cannot be used: " + error.message(),
                   "give the path of an empty directory, such as /run/srpd/tree");
  return parent / path.filename();
}

/// Asks for it: what the kernel remembers outlives the process that said it.
bool nobody_serves(const std::string& point) {
  struct statx status{};
  const int rc = ::statx(AT_FDCWD, point.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status);
  return rc != 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/// For those who are not root: fusermount3 is, and lets the owner unmount.
int run_fusermount(const std::string& point) {
  std::string program = "fusermount3", options = "-uz", separator = "--", target = point;
  char* arguments[] = {program.data(), options.data(), separator.data(), target.data(), nullptr};
  pid_t child = 0;
  if (const int rc = ::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ))
    return rc;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

/// Lazily: processes that have it open or stand in it keep what they have.
int unmount(const std::string& point) {
  if (::umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return 0;
  return errno == EPERM ? run_fusermount(point) : errno;
}

Expected<void> refuse_mounted(const Mounted& mounted) {
  if (mounted.type == mount_type)
    return failure(mounted.point, "another process shows its tree here",
                   "stop that one, or choose another directory");
  return failure(mounted.point,
                 mounted.type + " (" + mounted.source + ") is mounted on this directory",
                 "unmount it, or choose another directory");
}

/// Until nothing of an earlier daemon is left.
Expected<void> clear(const std::string& point) {
  for (unsigned taken = 0; taken < max_left_mounts; ++taken) {
    const auto table = mount_table();
    const Mounted* const mounted = find_mounted(table, point);
    if (mounted == nullptr || mounted->type == "configfs") return {};
    if (mounted->type != mount_type || !nobody_serves(point)) return refuse_mounted(*mounted);
    if (const int rc = unmount(point); rc != 0)
      return failure(point, "a tree that nobody serves is mounted here: " + errno_text(rc),
                     "unmount it as root: umount -l " + point);
    log::warning("{}: took the mount away that a process left which did not end by itself", point);
  }
  return failure(point, "more and more trees that nobody serves are mounted here",
                 "unmount them: umount -l " + point);
}

Expected<void> check_directory(const fs::path& point) {
  std::error_code error;
  if (fs::exists(point, error) && !fs::is_directory(point, error))
    return failure(point.string(), "it is no directory", "choose another one");
  fs::create_directory(point, error);
  const bool covers_configfs = !error && find_mounted(mount_table(), point.string()) != nullptr;
  if (!error && !covers_configfs && !fs::is_empty(point, error) && !error)
    return failure(point.string(), "there are files in it, which the tree would hide",
                   "choose an empty directory");
  if (error)
    return failure(point.string(), error.message(),
                   "choose a directory that can be made and read, such as /run/srpd/tree");
  return {};
}

}  // namespace

Expected<std::string> prepare_mount_point(const std::string& directory) {
  const auto place = place_of(directory);
  if (!place) return tl::unexpected(place.error());
  if (auto cleared = clear(place->string()); !cleared) return tl::unexpected(cleared.error());
  if (auto checked = check_directory(*place); !checked) return tl::unexpected(checked.error());
  return place->string();
}

Expected<void> check_fuse() {
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int rc = errno;
  if (rc == ENOENT || rc == ENODEV || rc == ENXIO)
    return failure("/dev/fuse", "this machine has no FUSE",
                   "load it with 'modprobe fuse', or give the container this device");
  return failure("/dev/fuse", errno_text(rc),
                 "run as root; in a container allow this device and CAP_SYS_ADMIN");
}

}  // namespace srpd::mount
