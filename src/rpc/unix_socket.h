// Unix stream sockets by path, for both ends.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/error.h"

namespace srpd::rpc {

/// A file descriptor that is closed with it.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

/// By its name or its number.
Expected<gid_t> find_group(const std::string& text);

/// A socket that listens at `path` with this mode and group, from its first moment on. One there
/// that nobody serves is replaced; one that somebody serves is an error.
Expected<Descriptor> listen_at(const std::string& path, mode_t mode, std::optional<gid_t> group);
/// An errno where it is not possible, in `number`.
Expected<Descriptor> connect_to(const std::string& path, int& number);

}  // namespace srpd::rpc
