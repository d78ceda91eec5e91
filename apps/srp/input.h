// A file or stdin as the source of write and verify.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <string>

#include "command.h"

namespace srpd::cli {

class Input {
 public:
  Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }

  bool open(const std::string& path) {
    path_ = path.empty() || path == "-" ? "stdin" : path;
    fd_ = path_ == "stdin" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    return fd_ >= 0;
  }
  /// Fills `data`; fewer bytes only at the end of the input; -1: see error().
  ssize_t read(std::span<std::byte> data) {
    std::size_t got = 0;
    while (got < data.size()) {
      const ssize_t count = ::read(fd_, data.data() + got, data.size() - got);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return -1;
      if (count == 0) break;
      got += static_cast<std::size_t>(count);
    }
    return static_cast<ssize_t>(got);
  }
  int error() const { return fail({path_, errno_text(errno), ""}, file_error); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace srpd::cli
