#include "runtime/file_operation.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace srpd::runtime {
namespace {

int transfer(const FileOperation& operation, int flags) {
  const auto count = static_cast<int>(operation.buffers.size());
  const auto offset = static_cast<off_t>(operation.offset);
  ssize_t done = 0;
  do {
    done = operation.kind == FileOperation::Kind::read
               ? ::preadv2(operation.fd, operation.buffers.data(), count, offset, flags)
               : ::pwritev2(operation.fd, operation.buffers.data(), count, offset, flags);
  } while (done < 0 && errno == EINTR);
  return done < 0 ? -errno : static_cast<int>(done);
}

template <class Call>
int retried(Call call) {
  int rc = 0;
  do {
    rc = call();
  } while (rc < 0 && errno == EINTR);
  return rc < 0 ? -errno : 0;
}

}  // namespace

int check_arguments(const FileOperation& operation) {
  // An offset of -1 would mean "the current position" to preadv2(2) and to io_uring.
  constexpr std::uint64_t limit = INT64_MAX;
  if (operation.offset > limit || operation.length > limit - operation.offset) return -EINVAL;
  if (operation.buffers.size() > IOV_MAX) return -EINVAL;
  return 0;
}

int perform(const FileOperation& operation) {
  if (const int rc = check_arguments(operation); rc < 0) return rc;
  switch (operation.kind) {
    case FileOperation::Kind::read:
    case FileOperation::Kind::write:
      return transfer(operation, 0);
    case FileOperation::Kind::write_dsync:
      return transfer(operation, RWF_DSYNC);
    case FileOperation::Kind::fsync:
      return retried([&] { return ::fsync(operation.fd); });
    case FileOperation::Kind::fdatasync:
      return retried([&] { return ::fdatasync(operation.fd); });
    case FileOperation::Kind::allocate:
      return retried([&] {
        return ::fallocate(operation.fd, operation.mode, static_cast<off_t>(operation.offset),
                           static_cast<off_t>(operation.length));
      });
    case FileOperation::Kind::discard:
      return retried([&] {
        const std::array<std::uint64_t, 2> range{operation.offset, operation.length};
        return ::ioctl(operation.fd, BLKDISCARD, range.data());
      });
  }
  return -EINVAL;
}

int perform_without_waiting(const FileOperation& operation) {
  if (operation.kind != FileOperation::Kind::read || check_arguments(operation) < 0) return -EAGAIN;
  std::size_t wanted = 0;
  for (const iovec& part : operation.buffers) wanted += part.iov_len;
  const int rc = transfer(operation, RWF_NOWAIT);
  // A short count may be the end of the file or the end of what is cached; errors are worth a
  // second opinion as well (EOPNOTSUPP where the file system does not know the flag).
  return rc >= 0 && static_cast<std::size_t>(rc) == wanted ? rc : -EAGAIN;
}

}  // namespace srpd::runtime
