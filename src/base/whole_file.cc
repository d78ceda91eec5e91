#include "base/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace srpd {
namespace {

constexpr mode_t private_mode = 0600;

class File {
 public:
  File(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, private_mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool sync() const { return ::fsync(fd_) == 0; }
  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool read(std::string& text, std::size_t most) const {
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(fd_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got == 0;
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > most) {
        errno = EFBIG;
        return false;
      }
    }
  }

 private:
  int fd_;
};

tl::unexpected<Error> failed(const std::string& path, const std::string& what) {
  const int number = errno;
  return failure(path, what + ": " + errno_text(number), "the file is as it was before", number);
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Beside the file, so that it can take its place. One that another run has left is not written to:
/// it may have a second name.
Expected<void> write_temporary(const std::string& path, const std::string& temporary,
                               std::string_view text) {
  ::unlink(temporary.c_str());
  const File file(temporary, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) return failed(temporary, "it cannot be made");
  if (!file.write(text) || !file.sync()) return failed(path, "it cannot be written");
  return {};
}

Expected<void> take_its_place(const std::string& path, const std::string& temporary) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed(path, "it cannot be replaced");
  return {};
}

}  // namespace

Expected<std::string> read_file(const std::string& path, std::size_t most) {
  const File file(path, O_RDONLY);
  std::string text;
  if (file.is_open() && file.read(text, most)) return text;
  const int number = errno;
  return failure(path, "it cannot be read: " + errno_text(number), {}, number);
}

Expected<void> replace_file(const std::string& path, std::string_view text,
                            const std::function<Expected<void>()>& before) {
  const std::string temporary = path + ".new";
  auto done = write_temporary(path, temporary, text);
  if (done && before) done = before();
  if (done) done = take_its_place(path, temporary);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  // The new name of it, too.
  const File directory(directory_of(path), O_RDONLY | O_DIRECTORY);
  if (directory.is_open() && directory.sync()) return {};
  const int number = errno;
  return failure(path, "it may be lost with a loss of power: its directory: " + errno_text(number),
                 "look at the disk that it is on", number);
}

}  // namespace srpd
