// Opens the file: everything that can be wrong with it is found and explained here, before a host
// sees the unit.
#include "store/fileio.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "store/open_file.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t max_deallocate = std::uint64_t{1} << 30;
/// As LIO's fileio: 16384 blocks of 512 bytes.
constexpr std::uint32_t max_transfer = 8u << 20;

tl::unexpected<Error> explain_open(const Specification& specification, int error) {
  const std::string& path = specification.path;
  const std::string what = object_of(specification);
  switch (error) {
    case ENOENT:
      if (!specification.create)
        return failure(what, "the file does not exist",
                       "mount the file system that it is on, or create it: truncate -s " +
                           std::to_string(specification.size) + " " + quoted(path));
      if (specification.size != 0 && !specification.read_only) {
        const std::string folder = std::filesystem::path(path).parent_path();
        return failure(what, "the folder that it is to be made in does not exist",
                       "make it (mkdir -p " + quoted(folder) + "), or correct the path");
      }
      return failure(what, "the file does not exist",
                     "create it (truncate -s 10G " + quoted(path) +
                         "), or give a size, so that it is made (on srpd's command line: " + path +
                         ":10G)");
    case EISDIR:
      return failure(what, "it is a directory", "name a file inside it: " + path + "/disk.img");
    case EROFS:
      return failure(what, "it is on a read-only file system",
                     "remount it read-write or serve it read-only: " + path + ",ro");
    case ETXTBSY:
      return failure(what, "it is a program that is running or a swap file in use",
                     "name another file");
    default:
      return open_failed(specification, error);
  }
}

tl::unexpected<Error> open_file_failed(const Specification& specification, int error) {
  return numbered(explain_open(specification, error), error);
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
  if (S_ISDIR(status.st_mode)) return open_file_failed(specification, EISDIR);
  return failure(object_of(specification), "it is neither a regular file nor a block device",
                 "name a file or a block device");
}

Expected<Descriptor> open_descriptor(const Specification& specification) {
  if (specification.path.empty())
    return failure(specification.name, "no file is named", "give a path");
  struct stat status{};
  const bool exists = ::stat(specification.path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return open_file_failed(specification, errno);
  int flags = open_flags(specification);
  if (exists) {
    if (auto checked = check_kind(specification, status); !checked)
      return tl::make_unexpected(checked.error());
    // Exclusive among block devices: nothing mounted, nobody else who asked for the same.
    if (S_ISBLK(status.st_mode) && !specification.read_only) flags |= O_EXCL;
  } else {
    if (specification.size == 0 || specification.read_only || !specification.create)
      return open_file_failed(specification, ENOENT);
    flags |= O_CREAT | O_EXCL;
  }
  const int fd = open_unless_busy(specification.path, flags);
  if (fd == -EINVAL && specification.direct) {
    return failure(object_of(specification), "this file system cannot do O_DIRECT",
                   "use buffered or dsync");
  }
  if (fd < 0) return open_file_failed(specification, -fd);
  return Descriptor(fd);
}

/// An empty file is new: it gets the size asked for. One that holds something shorter was cut, and
/// to extend it would serve zeroes for what is lost.
Expected<std::uint64_t> regular_file_size(const Specification& specification, int fd,
                                          std::uint64_t size) {
  const std::uint64_t wanted = specification.size;
  if (wanted != 0 && size == 0 && !specification.read_only) {
    if (::ftruncate(fd, static_cast<off_t>(wanted)) != 0) {
      return failure(object_of(specification),
                     "cannot make it " + format_size(wanted) + " long: " + errno_text(errno),
                     errno == EFBIG ? "this file system allows only smaller files" : "");
    }
    return wanted;
  }
  if (wanted > size) {
    return failure(object_of(specification),
                   "the file has " + format_size(size) + ", less than the " + format_size(wanted) +
                       " asked for: it was shrunk, or never had that size",
                   "if nothing is missing from it, extend it: truncate -s " +
                       std::to_string(wanted) + " " + quoted(specification.path));
  }
  return wanted != 0 ? wanted : size;
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
  describe_device(file, device);
  properties.max_transfer_bytes = max_transfer;
  properties.optimal_transfer_bytes = max_transfer;
  properties.max_write_zeroes_bytes = max_transfer;
  file.punches = can_punch_holes(file, status);
  if (!file.punches) return;
  properties.can_unmap = true;
  properties.unmap_zeroes = true;
  properties.thin = true;
  properties.unmap_granularity = static_cast<std::uint32_t>(
      file.block_device ? queue_attribute(device, "discard_granularity", specification.block_size)
                        : static_cast<std::uint64_t>(status.st_blksize));
  properties.max_unmap_bytes = max_deallocate;
  properties.max_write_zeroes_bytes = max_deallocate;
}

std::string mode_text(const Specification& specification) {
  if (specification.direct) return specification.dsync ? "direct, dsync" : "direct";
  return specification.dsync ? "dsync" : "buffered";
}

Expected<OpenedFile> examine(const Specification& specification, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0)
    return failure(object_of(specification), "cannot be examined: " + errno_text(errno));
  if (auto checked = check_kind(specification, status); !checked)
    return tl::make_unexpected(checked.error());
  OpenedFile file;
  file.fd = fd;
  file.name = specification.name.empty() ? specification.path : specification.name;
  file.path = specification.path;
  file.block_device = S_ISBLK(status.st_mode);
  file.direct = specification.direct;
  file.dsync = specification.dsync;
  file.mode = mode_text(specification);
  file.fixed_size = specification.size != 0;
  const auto size =
      file.block_device
          ? block_device_size(specification, fd)
          : regular_file_size(specification, fd, static_cast<std::uint64_t>(status.st_size));
  if (!size) return tl::make_unexpected(size.error());
  file.size = *size / specification.block_size * specification.block_size;
  if (file.size == 0) {
    return failure(object_of(specification), "it is empty",
                   "give it a size: " + specification.path + ":10G");
  }
  if (::fstat(fd, &status) != 0)
    return failure(object_of(specification), "cannot be examined: " + errno_text(errno));
  describe(file, specification, status);
  if (file.direct) {
    if (auto aligned = find_alignment(file, specification); !aligned)
      return tl::make_unexpected(aligned.error());
  }
  return file;
}

}  // namespace

Expected<std::unique_ptr<Backstore>> open_fileio(const Specification& specification,
                                                 runtime::Loop& home) {
  auto descriptor = open_descriptor(specification);
  if (!descriptor) return tl::make_unexpected(descriptor.error());
  if (auto locked = lock_file(specification, descriptor->get()); !locked)
    return tl::make_unexpected(locked.error());
  auto file = examine(specification, descriptor->get());
  if (!file) return tl::make_unexpected(file.error());
  descriptor->take();
  return std::make_unique<FileStore>(std::move(*file), home);
}

}  // namespace srpd::store
