// Opens the device and takes over what it says about itself in sysfs (Documentation/ABI/stable/
// sysfs-block). The data path is FileStore's.
#include "store/iblock.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "base/log.h"
#include "store/open_file.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t page = 4096;
/// Zeroing is cut into pieces, so that an abort is heard in between.
constexpr std::uint64_t max_write_zeroes = std::uint64_t{1} << 30;

tl::unexpected<Error> explain_open(const Specification& specification, int error) {
  const std::string what = object_of(specification);
  switch (error) {
    case ENOENT:
      return failure(what, "there is no such device",
                     "check its path (lsblk shows the devices there are)");
    case ENOTBLK:
      return failure(what, "it is not a block device",
                     "serve a regular file as fileio (--file " + specification.path + ")");
    case ENOMEDIUM:
      return failure(what, "there is no medium in it", "insert one");
    default:
      return open_failed(specification, error);
  }
}

tl::unexpected<Error> open_device_failed(const Specification& specification, int error) {
  return numbered(explain_open(specification, error), error);
}

Expected<Descriptor> open_device(const Specification& specification) {
  if (specification.path.empty())
    return failure(specification.name, "no device is named", "give its path, such as /dev/sdb");
  struct stat status{};
  if (::stat(specification.path.c_str(), &status) != 0)
    return open_device_failed(specification, errno);
  if (!S_ISBLK(status.st_mode)) return open_device_failed(specification, ENOTBLK);
  int flags = O_CLOEXEC | O_DIRECT | (specification.read_only ? O_RDONLY : O_RDWR);
  if (specification.exclusive) flags |= O_EXCL;
  const int fd = open_unless_busy(specification.path, flags);
  if (fd < 0) return open_device_failed(specification, -fd);
  return Descriptor(fd);
}

std::uint32_t logical_block_size(int fd) {
  int logical = 0;
  return ::ioctl(fd, BLKSSZGET, &logical) == 0 && logical > 0 ? static_cast<std::uint32_t>(logical)
                                                              : 512;
}

/// Whole pages, as LIO counts them.
std::uint32_t max_transfer_bytes(dev_t device) {
  const std::uint64_t bytes = queue_attribute(device, "max_hw_sectors_kb", 0) * 1024 / page * page;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, UINT32_MAX / page * page));
}

std::uint32_t narrow(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

/// A discarded block may read back as anything (there has been no other promise since Linux 4.12):
/// only zeroing that deallocates on the way promises zeroes.
void describe_discard(OpenedFile& file, dev_t device) {
  Properties& properties = file.properties;
  const std::uint64_t most = queue_attribute(device, "discard_max_bytes", 0);
  file.discards = most != 0;
  file.punches = queue_attribute(device, "write_zeroes_max_bytes", 0) != 0;
  properties.can_unmap = properties.thin = file.discards;
  properties.unmap_zeroes = file.discards && file.punches;
  if (!file.discards) return;
  properties.max_unmap_bytes = most;
  properties.unmap_granularity =
      narrow(queue_attribute(device, "discard_granularity", properties.block_size));
  const std::string alignment = device_folder(device) + "/discard_alignment";
  if (std::ifstream in(alignment); !(in >> properties.unmap_alignment))
    properties.unmap_alignment = 0;
}

void describe(OpenedFile& file, const Specification& specification, dev_t device) {
  Properties& properties = file.properties;
  properties.plugin = "iblock";
  properties.product = "IBLOCK";
  properties.block_size = std::max(specification.block_size, logical_block_size(file.fd));
  properties.physical_block_size = properties.block_size;
  properties.read_only = specification.read_only;
  // "write back" or "write through".
  properties.write_cache =
      !specification.read_only && queue_text(device, "write_cache") == "write back";
  describe_device(file, device);
  properties.max_transfer_bytes = max_transfer_bytes(device);
  properties.optimal_transfer_bytes = properties.max_transfer_bytes;
  properties.max_write_zeroes_bytes = max_write_zeroes;
  properties.queue_depth = narrow(queue_attribute(device, "nr_requests", 0));
  if (!specification.read_only) describe_discard(file, device);
}

/// A device can protect itself against writing and be opened for it all the same.
Expected<void> check_writable(const Specification& specification, int fd) {
  int read_only = 0;
  if (specification.read_only || ::ioctl(fd, BLKROGET, &read_only) != 0 || read_only == 0)
    return {};
  return numbered(failure(object_of(specification), "the device is write-protected",
                          "serve it read-only (" + specification.path +
                              ",ro), or let it be written: " + "blockdev --setrw " +
                              quoted(specification.path)),
                  EROFS);
}

Expected<OpenedFile> examine(const Specification& specification, int fd) {
  struct stat status{};
  std::uint64_t size = 0;
  if (::fstat(fd, &status) != 0 || ::ioctl(fd, BLKGETSIZE64, &size) != 0) {
    return failure(object_of(specification), "cannot be examined: " + errno_text(errno),
                   "check the device with lsblk");
  }
  OpenedFile file;
  file.fd = fd;
  file.name = specification.name.empty() ? specification.path : specification.name;
  file.path = specification.path;
  file.mode = specification.exclusive ? "block device" : "block device, shared";
  file.block_device = true;
  file.direct = true;
  describe(file, specification, status.st_rdev);
  if (file.properties.block_size != specification.block_size) {
    log::info("{}: blocks of {} bytes, as the device has them", object_of(specification),
              file.properties.block_size);
  }
  file.size = size / file.properties.block_size * file.properties.block_size;
  if (file.size == 0) {
    return failure(object_of(specification), "the device has no size: there is nothing behind it",
                   "attach it (a medium, a file of losetup) first");
  }
  if (auto aligned = find_alignment(file, specification); !aligned)
    return tl::make_unexpected(aligned.error());
  return file;
}

}  // namespace

Expected<std::unique_ptr<Backstore>> open_iblock(const Specification& specification,
                                                 runtime::Loop& home) {
  auto descriptor = open_device(specification);
  if (!descriptor) return tl::make_unexpected(descriptor.error());
  if (auto writable = check_writable(specification, descriptor->get()); !writable)
    return tl::make_unexpected(writable.error());
  auto file = examine(specification, descriptor->get());
  if (!file) return tl::make_unexpected(file.error());
  descriptor->take();
  return std::make_unique<FileStore>(std::move(*file), home);
}

}  // namespace srpd::store
