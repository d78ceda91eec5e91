#include "ns/mounts.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

namespace srpd::ns {
namespace {

constexpr const char* needs_root = "run as root; in a container it needs CAP_SYS_ADMIN";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

tl::unexpected<Error> errno_failure(const std::string& object, std::string_view what) {
  const int error_number = errno;
  return failure(object, fmt::format("{}: {}", what, errno_text(error_number)), needs_root);
}

Expected<std::vector<std::string>> names_in(const std::string& directory) {
  const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
  if (!open) return errno_failure(directory, "it cannot be listed");
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Expected<void> show_link(const std::string& source, const std::string& point) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(source.c_str(), text.data(), text.size() - 1);
  if (size < 0 || ::symlink(text.data(), point.c_str()) != 0)
    return errno_failure(point, "the link cannot be made");
  return {};
}

/// `point`, which does not exist yet, shows what `source` is.
Expected<void> show(const std::string& source, const std::string& point) {
  struct stat status{};
  if (::lstat(source.c_str(), &status) != 0) return errno_failure(source, "it cannot be read");
  if (S_ISLNK(status.st_mode)) return show_link(source, point);
  if (S_ISDIR(status.st_mode)) {
    if (::mkdir(point.c_str(), 0755) != 0) return errno_failure(point, "it cannot be made");
  } else {
    const int file = ::open(point.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (file < 0) return errno_failure(point, "it cannot be made");
    ::close(file);
  }
  return bind_mount(source, point);
}

}  // namespace

Expected<void> enter_private_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return errno_failure("mount namespace", "it cannot be made");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return errno_failure("mount namespace", "it cannot be made private");
  return {};
}

Expected<void> bind_mount(const std::string& source, const std::string& point) {
  if (::mount(source.c_str(), point.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    return errno_failure(point, fmt::format("{} cannot be mounted here", source));
  return {};
}

Expected<void> mount_memory(const std::string& point) {
  if (::mount("srpd", point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
    return errno_failure(point, "a file system in memory cannot be mounted here");
  return {};
}

Expected<void> make_extensible(const std::string& directory) {
  const auto names = names_in(directory);
  if (!names) return tl::unexpected(names.error());
  // Leads to what is below the new mount.
  const int below = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (below < 0) return errno_failure(directory, "it cannot be opened");
  Expected<void> done = mount_memory(directory);
  for (const std::string& name : *names) {
    if (!done) break;
    done = show(fmt::format("/proc/self/fd/{}/{}", below, name), directory + '/' + name);
  }
  ::close(below);
  return done;
}

}  // namespace srpd::ns
