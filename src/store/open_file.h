// What opening a file or a device as a backstore needs, whichever store it becomes.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/error.h"
#include "store/file_store.h"
#include "store/specification.h"

namespace srpd::store {

/// A descriptor that is closed unless it is taken.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// The object of messages: its name and path.
std::string object_of(const Specification& specification);

/// The text in quotes, for a command that a person pastes into a shell.
std::string quoted(const std::string& path);

/// open(2), or -errno. EBUSY is tried again for a second: after the death of a process the kernel
/// takes its io_uring apart, and what was under way keeps files open that long. A restart after a
/// crash must not fail for it.
int open_unless_busy(const std::string& path, int flags);

/// Against a second srpd: shared when it is served read-only. Released with the descriptor.
Expected<void> lock_file(const Specification& specification, int fd);

/// What went wrong with open(2), for errors that any kind of file has.
tl::unexpected<Error> open_failed(const Specification& specification, int error);

/// The error with the errno value behind it.
tl::unexpected<Error> numbered(tl::unexpected<Error> failed, int number);

Expected<std::uint64_t> block_device_size(const Specification& specification, int fd);

/// Of a block device in sysfs.
std::string device_folder(dev_t device);

/// A number from the queue directory of a block device; `otherwise` where there is none.
std::uint64_t queue_attribute(dev_t device, const char* attribute, std::uint64_t otherwise);
/// The same as text, one word or more; empty where there is none.
std::string queue_text(dev_t device, const char* attribute);

/// What the device says about its blocks: physical size, whether it rotates.
void describe_device(OpenedFile& file, dev_t device);

/// Fills in what O_DIRECT wants of addresses, offsets and lengths; an error where that is more than
/// the unit's block size.
Expected<void> find_alignment(OpenedFile& file, const Specification& specification);

}  // namespace srpd::store
