#include "store/open_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

/// Tries again for a moment while `is_held()`.
template <class IsHeld>
bool held_for_long(IsHeld is_held) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 1s;
  while (is_held()) {
    if (std::chrono::steady_clock::now() >= deadline) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// Kernels before 6.1 do not tell what O_DIRECT wants: then the shortest read that works.
void probe_alignment(OpenedFile& file) {
  int logical = 0;
  if (file.block_device && ::ioctl(file.fd, BLKSSZGET, &logical) == 0 && logical > 0) {
    file.memory_alignment = file.length_alignment = static_cast<std::uint32_t>(logical);
    return;
  }
  void* const probe = std::aligned_alloc(4096, 4096);
  file.memory_alignment = file.length_alignment = 4096;
  for (std::uint32_t length = 512; probe != nullptr && length < 4096; length *= 2) {
    if (::pread(file.fd, probe, length, 0) < 0) continue;
    file.memory_alignment = file.length_alignment = length;
    break;
  }
  std::free(probe);
}

std::string number_of(dev_t device) {
  return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

/// Where the device is mounted, by the third field of /proc/self/mountinfo; empty: nowhere.
std::string mounted_at(dev_t device) {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string id, parent, number, root, place;
    if (fields >> id >> parent >> number >> root >> place && number == number_of(device))
      return place;
  }
  return {};
}

/// The first device that is made of this one: an array, a logical volume.
std::string holder_of(dev_t device) {
  std::error_code none;
  const std::filesystem::directory_iterator holders(device_folder(device) + "/holders", none);
  return none || holders == end(holders) ? "" : holders->path().filename().string();
}

/// Who holds the block device that open(2) calls busy.
tl::unexpected<Error> busy(const Specification& specification) {
  struct stat status{};
  const dev_t device = ::stat(specification.path.c_str(), &status) == 0 ? status.st_rdev : 0;
  const std::string what = object_of(specification);
  if (const std::string place = mounted_at(device); !place.empty())
    return failure(what, "it is mounted at " + place, "unmount it first: umount " + quoted(place));
  if (const std::string holder = holder_of(device); !holder.empty()) {
    return failure(
        what, "it is part of the device " + holder,
        "take that apart first (vgchange -an, mdadm --stop, dmsetup remove), or serve /dev/" +
            holder + " instead");
  }
  return failure(what,
                 "somebody else holds it exclusively: another target, or it is used as swap or by "
                 "one of its partitions",
                 "release it there first (lsblk, swapon and fuser show who has it)");
}

}  // namespace

std::string device_folder(dev_t device) { return "/sys/dev/block/" + number_of(device); }

std::string object_of(const Specification& specification) {
  return specification.name.empty() ? specification.path
                                    : specification.name + " (" + specification.path + ")";
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

int open_unless_busy(const std::string& path, int flags) {
  int result = -1;
  static_cast<void>(held_for_long([&] {
    const int fd = ::open(path.c_str(), flags, 0600);
    result = fd < 0 ? -errno : fd;
    return result == -EBUSY;
  }));
  return result;
}

Expected<void> lock_file(const Specification& specification, int fd) {
  const int kind = specification.read_only ? LOCK_SH : LOCK_EX;
  int error = 0;
  const bool held = held_for_long([&] {
    error = ::flock(fd, kind | LOCK_NB) == 0 ? 0 : errno;
    return error == EWOULDBLOCK;
  });
  if (error == 0) return {};
  if (!held) {
    log::warning("{}: no lock against a second srpd on this file system: {}",
                 object_of(specification), errno_text(error));
    return {};
  }
  return failure(object_of(specification),
                 "it is already served, by another object or another srpd (lock held)",
                 "name each file once, and stop the other srpd (lslocks shows it)");
}

tl::unexpected<Error> numbered(tl::unexpected<Error> failed, int number) {
  failed.value().number = number;
  return failed;
}

tl::unexpected<Error> open_failed(const Specification& specification, int error) {
  const std::string& path = specification.path;
  const std::string what = object_of(specification);
  switch (error) {
    case ENOTDIR:
      return failure(what, "a part of the path is not a directory", "correct the path");
    case EACCES:
    case EPERM:
      return failure(what, "permission denied for user id " + std::to_string(::geteuid()),
                     specification.read_only
                         ? "let this user read it (chown, chmod, or the group of the device)"
                         : "let this user write it (chown, chmod, or the group of the device), or "
                           "serve it read-only (on srpd's command line: " +
                               path + ",ro)");
    case EBUSY:
      return busy(specification);
    case ENXIO:
    case ENODEV:
      return failure(what, "there is no device behind this node", "check the device with lsblk");
    case EMFILE:
    case ENFILE:
      return failure(what, errno_text(error), "raise the limit of open files (ulimit -n)");
    default:
      return failure(what, "cannot open: " + errno_text(error));
  }
}

Expected<std::uint64_t> block_device_size(const Specification& specification, int fd) {
  std::uint64_t size = 0;
  if (::ioctl(fd, BLKGETSIZE64, &size) != 0)
    return failure(object_of(specification), "its size cannot be read: " + errno_text(errno));
  if (specification.size > size) {
    return failure(object_of(specification),
                   "the device has " + format_size(size) + ", less than the " +
                       format_size(specification.size) + " asked for",
                   "give the size of the device, or none");
  }
  return specification.size != 0 ? specification.size : size;
}

std::string queue_text(dev_t device, const char* attribute) {
  for (const char* place : {"/queue/", "/../queue/"}) {  // a partition has its disk's queue
    std::ifstream in(device_folder(device) + place + attribute);
    if (std::string text; std::getline(in, text)) return text;
  }
  return {};
}

std::uint64_t queue_attribute(dev_t device, const char* attribute, std::uint64_t otherwise) {
  const std::string text = queue_text(device, attribute);
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  return end == text.c_str() ? otherwise : value;
}

void describe_device(OpenedFile& file, dev_t device) {
  file.properties.rotational = queue_attribute(device, "rotational", 1) != 0;
  int physical = 0;
  if (file.block_device && ::ioctl(file.fd, BLKPBSZGET, &physical) == 0 && physical > 0) {
    file.properties.physical_block_size =
        std::max(file.properties.physical_block_size, static_cast<std::uint32_t>(physical));
  }
}

Expected<void> find_alignment(OpenedFile& file, const Specification& specification) {
  struct statx extended{};
  if (::syscall(SYS_statx, file.fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &extended) == 0 &&
      (extended.stx_mask & STATX_DIOALIGN) != 0 && extended.stx_dio_offset_align != 0) {
    file.memory_alignment = std::max(extended.stx_dio_mem_align, 1u);
    file.length_alignment = extended.stx_dio_offset_align;
  } else {
    probe_alignment(file);
  }
  if (file.length_alignment <= file.properties.block_size) return {};
  return failure(object_of(specification),
                 "O_DIRECT wants blocks of " + std::to_string(file.length_alignment) +
                     " bytes here, the unit has " + std::to_string(file.properties.block_size),
                 "use buffered, or a block size of 4096 where no host has data on it yet");
}

}  // namespace srpd::store
