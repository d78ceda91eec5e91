// Opens the file of a FileStore: everything that can be wrong with it is found and explained here,
// before a host sees the unit.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "base/log.h"
#include "store/fileio.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t max_deallocate = std::uint64_t{1} << 30;
/// As LIO's fileio: 16384 blocks of 512 bytes.
constexpr std::uint32_t max_transfer = 8u << 20;

/// A descriptor that is closed unless it is taken.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Tries again for a moment while `is_held()`: after the death of a process the kernel takes its
/// io_uring apart, and what was under way keeps files open, and locked, that long. A restart after
/// a crash must not fail for it.
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

std::string object(const Specification& specification) {
  return specification.name.empty() ? specification.path
                                    : specification.name + " (" + specification.path + ")";
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

tl::unexpected<Error> open_failed(const Specification& specification, int error) {
  const std::string& path = specification.path;
  const std::string what = object(specification);
  switch (error) {
    case ENOENT:
      return failure(what, "the file does not exist",
                     "create it (truncate -s 10G " + quoted(path) +
                         ") or give a size, so that it is made: " + path + ":10G");
    case EISDIR:
      return failure(what, "it is a directory", "name a file inside it: " + path + "/disk.img");
    case ENOTDIR:
      return failure(what, "a part of the path is not a directory", "correct the path");
    case EACCES:
    case EPERM:
      return failure(what, "permission denied for user id " + std::to_string(::geteuid()),
                     specification.read_only
                         ? "let this user read it (chown, chmod, or the group of the device)"
                         : "let this user write it (chown, chmod, or the group of the device), or "
                           "serve it read-only: " +
                               path + ",ro");
    case EROFS:
      return failure(what, "it is on a read-only file system",
                     "remount it read-write or serve it read-only: " + path + ",ro");
    case ETXTBSY:
      return failure(what, "it is a program that is running or a swap file in use",
                     "name another file");
    case EBUSY:
      return failure(what, "the device is in use by somebody else (mounted, or part of an array)",
                     "unmount or release it first");
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

int open_flags(const Specification& specification) {
  int flags = O_CLOEXEC | (specification.read_only ? O_RDONLY : O_RDWR);
  if (specification.dsync) flags |= O_DSYNC;
  if (specification.direct) flags |= O_DIRECT;
  return flags;
}

/// Says what to do before open(2) would do something surprising: block on a FIFO, wind a tape.
Expected<void> check_kind(const Specification& specification, const struct stat& status) {
  if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return {};
  if (S_ISDIR(status.st_mode)) return open_failed(specification, EISDIR);
  return failure(object(specification), "it is neither a regular file nor a block device",
                 "name a file or a block device");
}

Expected<Descriptor> open_descriptor(const Specification& specification) {
  if (specification.path.empty())
    return failure(specification.name, "no file is named", "give a path");
  struct stat status{};
  const bool exists = ::stat(specification.path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return open_failed(specification, errno);
  int flags = open_flags(specification);
  if (exists) {
    if (auto checked = check_kind(specification, status); !checked)
      return tl::make_unexpected(checked.error());
    // Exclusive among block devices: nothing mounted, nobody else who asked for the same.
    if (S_ISBLK(status.st_mode) && !specification.read_only) flags |= O_EXCL;
  } else {
    if (specification.size == 0 || specification.read_only)
      return open_failed(specification, ENOENT);
    flags |= O_CREAT | O_EXCL;
  }
  int fd = -1;
  int error = 0;
  static_cast<void>(held_for_long([&] {
    fd = ::open(specification.path.c_str(), flags, 0600);
    error = fd < 0 ? errno : 0;
    return error == EBUSY;
  }));
  if (error == EINVAL && specification.direct) {
    return failure(object(specification), "this file system cannot do O_DIRECT",
                   "use buffered or dsync");
  }
  if (fd < 0) return open_failed(specification, error);
  return Descriptor(fd);
}

Expected<void> lock(const Specification& specification, int fd) {
  const int kind = specification.read_only ? LOCK_SH : LOCK_EX;
  int error = 0;
  const bool held = held_for_long([&] {
    error = ::flock(fd, kind | LOCK_NB) == 0 ? 0 : errno;
    return error == EWOULDBLOCK;
  });
  if (error == 0) return {};
  if (!held) {
    log::warning("{}: no lock against a second srpd on this file system: {}", object(specification),
                 errno_text(error));
    return {};
  }
  return failure(object(specification),
                 "it is already served, by another object or another srpd (lock held)",
                 "name each file once, and stop the other srpd (lslocks shows it)");
}

Expected<std::uint64_t> block_device_size(const Specification& specification, int fd) {
  std::uint64_t size = 0;
  if (::ioctl(fd, BLKGETSIZE64, &size) != 0)
    return failure(object(specification), "its size cannot be read: " + errno_text(errno));
  if (specification.size > size) {
    return failure(object(specification),
                   "the device has " + format_size(size) + ", less than the " +
                       format_size(specification.size) + " asked for",
                   "give the size of the device, or none");
  }
  return specification.size != 0 ? specification.size : size;
}

/// An empty file is new: it gets the size asked for. One that holds something shorter was cut, and
/// to extend it would serve zeroes for what is lost.
Expected<std::uint64_t> regular_file_size(const Specification& specification, int fd,
                                          std::uint64_t size) {
  const std::uint64_t wanted = specification.size;
  if (wanted != 0 && size == 0 && !specification.read_only) {
    if (::ftruncate(fd, static_cast<off_t>(wanted)) != 0) {
      return failure(object(specification),
                     "cannot make it " + format_size(wanted) + " long: " + errno_text(errno),
                     errno == EFBIG ? "this file system allows only smaller files" : "");
    }
    return wanted;
  }
  if (wanted > size) {
    return failure(object(specification),
                   "the file has " + format_size(size) + ", less than the " + format_size(wanted) +
                       " asked for: it was shrunk, or never had that size",
                   "if nothing is missing from it, extend it: truncate -s " +
                       std::to_string(wanted) + " " + quoted(specification.path));
  }
  return wanted != 0 ? wanted : size;
}

/// What O_DIRECT wants of addresses, offsets and lengths. Kernels before 6.1 do not tell: then the
/// shortest read that works.
void find_alignment(OpenedFile& file, const struct stat& status) {
  struct statx extended{};
  if (::syscall(SYS_statx, file.fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &extended) == 0 &&
      (extended.stx_mask & STATX_DIOALIGN) != 0 && extended.stx_dio_offset_align != 0) {
    file.memory_alignment = std::max(extended.stx_dio_mem_align, 1u);
    file.length_alignment = extended.stx_dio_offset_align;
    return;
  }
  int logical = 0;
  if (S_ISBLK(status.st_mode) && ::ioctl(file.fd, BLKSSZGET, &logical) == 0 && logical > 0) {
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

/// A number from the queue directory of the device that holds the file; `otherwise` where there is
/// none.
std::uint64_t queue_attribute(dev_t device, const char* attribute, std::uint64_t otherwise) {
  const std::string base =
      "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) + "/";
  for (const char* place : {"queue/", "../queue/"}) {  // a partition has its disk's queue
    std::ifstream in(base + place + attribute);
    if (std::uint64_t value = 0; in >> value) return value;
  }
  return otherwise;
}

bool can_punch_holes(const OpenedFile& file, const struct stat& status) {
  if (file.properties.read_only) return false;
  if (file.block_device) return queue_attribute(status.st_rdev, "write_zeroes_max_bytes", 0) != 0;
  // Behind the end nothing is there to lose; a file system that cannot do it says so.
  return ::fallocate(file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, status.st_size, 4096) ==
         0;
}

void describe(OpenedFile& file, const Specification& specification, const struct stat& status) {
  Properties& properties = file.properties;
  properties.plugin = "fileio";
  properties.product = "FILEIO";
  properties.block_size = specification.block_size;
  properties.physical_block_size = specification.block_size;
  properties.read_only = specification.read_only;
  properties.write_cache = !specification.dsync && !specification.read_only;
  const dev_t device = file.block_device ? status.st_rdev : status.st_dev;
  properties.rotational = queue_attribute(device, "rotational", 1) != 0;
  int physical = 0;
  if (file.block_device && ::ioctl(file.fd, BLKPBSZGET, &physical) == 0 && physical > 0) {
    properties.physical_block_size =
        std::max(properties.physical_block_size, static_cast<std::uint32_t>(physical));
  }
  properties.max_transfer_bytes = max_transfer;
  properties.optimal_transfer_bytes = max_transfer;
  properties.max_write_zeroes_bytes = max_transfer;
  if (!can_punch_holes(file, status)) return;
  properties.can_unmap = true;
  properties.unmap_zeroes = true;
  properties.thin = true;
  properties.unmap_granularity = static_cast<std::uint32_t>(
      file.block_device ? queue_attribute(device, "discard_granularity", specification.block_size)
                        : static_cast<std::uint64_t>(status.st_blksize));
  properties.max_unmap_bytes = max_deallocate;
  properties.max_write_zeroes_bytes = max_deallocate;
}

Expected<void> check_alignment(const Specification& specification, const OpenedFile& file) {
  if (file.length_alignment <= specification.block_size) return {};
  return failure(object(specification),
                 "O_DIRECT wants blocks of " + std::to_string(file.length_alignment) +
                     " bytes here, the unit has " + std::to_string(specification.block_size),
                 "use buffered, or a block size of 4096 where no host has data on it yet");
}

Expected<OpenedFile> examine(const Specification& specification, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0)
    return failure(object(specification), "cannot be examined: " + errno_text(errno));
  if (auto checked = check_kind(specification, status); !checked)
    return tl::make_unexpected(checked.error());
  OpenedFile file;
  file.fd = fd;
  file.name = specification.name.empty() ? specification.path : specification.name;
  file.path = specification.path;
  file.block_device = S_ISBLK(status.st_mode);
  file.direct = specification.direct;
  file.dsync = specification.dsync;
  file.fixed_size = specification.size != 0;
  const auto size =
      file.block_device
          ? block_device_size(specification, fd)
          : regular_file_size(specification, fd, static_cast<std::uint64_t>(status.st_size));
  if (!size) return tl::make_unexpected(size.error());
  file.size = *size / specification.block_size * specification.block_size;
  if (file.size == 0) {
    return failure(object(specification), "it is empty",
                   "give it a size: " + specification.path + ":10G");
  }
  if (file.direct) find_alignment(file, status);
  if (auto aligned = check_alignment(specification, file); !aligned)
    return tl::make_unexpected(aligned.error());
  if (::fstat(fd, &status) != 0)
    return failure(object(specification), "cannot be examined: " + errno_text(errno));
  describe(file, specification, status);
  return file;
}

}  // namespace

Expected<std::unique_ptr<Backstore>> open_fileio(const Specification& specification,
                                                 runtime::Loop& home) {
  auto descriptor = open_descriptor(specification);
  if (!descriptor) return tl::make_unexpected(descriptor.error());
  if (auto locked = lock(specification, descriptor->get()); !locked)
    return tl::make_unexpected(locked.error());
  auto file = examine(specification, descriptor->get());
  if (!file) return tl::make_unexpected(file.error());
  descriptor->take();
  return std::make_unique<FileStore>(std::move(*file), home);
}

}  // namespace srpd::store
