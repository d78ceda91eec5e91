#include "control/saved_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <utility>

namespace srpd::control {
namespace {

namespace fs = std::filesystem;

constexpr mode_t private_mode = 0600;
constexpr std::size_t max_size = std::size_t{256} << 20;

tl::unexpected<Error> failed(const std::string& path, std::string_view what) {
  return failure(path, fmt::format("{}: {}", what, errno_text(errno)),
                 "the file is as it was before");
}

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
  bool read(std::string& text) const {
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(fd_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      if (got == 0) return true;
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > max_size) {
        errno = EFBIG;
        return false;
      }
    }
  }

 private:
  int fd_;
};

bool sync_directory(const std::string& path) {
  const File directory(path, O_RDONLY | O_DIRECTORY);
  return directory.is_open() && directory.sync();
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

SavedFile::SavedFile(std::string path, std::size_t versions)
    : path_(std::move(path)),
      directory_(directory_of(path_)),
      name_(path_.substr(path_.rfind('/') + 1)),
      versions_(versions) {}

Expected<std::string> SavedFile::read() const {
  const File file(path_, O_RDONLY);
  std::string text;
  if (!file.is_open() || !file.read(text))
    return failure(path_, "it cannot be read: " + errno_text(errno));
  return text;
}

Expected<void> SavedFile::write(std::string_view text) {
  if (const auto now = read(); now && *now == text) return {};
  const std::string temporary = path_ + ".new";
  {
    ::unlink(temporary.c_str());
    const File file(temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.is_open()) return failed(temporary, "it cannot be made");
    if (!file.write(text) || !file.sync()) {
      auto error = failed(path_, "it cannot be written");
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (auto kept = keep_version(); !kept) {
    ::unlink(temporary.c_str());
    return kept;
  }
  if (::rename(temporary.c_str(), path_.c_str()) != 0) {
    auto error = failed(path_, "it cannot be replaced");
    ::unlink(temporary.c_str());
    return error;
  }
  if (!sync_directory(directory_)) return failed(path_, "its directory cannot be written");
  prune();
  return {};
}

/// A second name for what is about to be replaced: nothing is copied.
Expected<void> SavedFile::keep_version() const {
  if (versions_ == 0 || ::access(path_.c_str(), F_OK) != 0) return {};
  const std::string backup = directory_ + "/backup";
  if (::mkdir(backup.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(backup, "it cannot be made");
  const std::string stem =
      fmt::format("{}/{}-{:%Y%m%d-%H%M%S}", backup, name_, fmt::localtime(std::time(nullptr)));
  // After those of the same second that are there: the order of the names is that of time.
  const auto kept = versions();
  int next = 0;
  if (!kept.empty() && kept.front().starts_with(stem + "-"))
    next = std::atoi(kept.front().c_str() + stem.size() + 1) + 1;
  const std::string name = fmt::format("{}-{:03}", stem, next);
  if (::link(path_.c_str(), name.c_str()) == 0) return {};
  // A file system without second names keeps no versions.
  if (errno == EPERM || errno == EOPNOTSUPP) return {};
  return failed(name, "it cannot be made");
}

std::vector<std::string> SavedFile::versions() const {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_ + "/backup", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(name_ + "-")) found.push_back(entry.path().string());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

void SavedFile::prune() const {
  const auto kept = versions();
  for (std::size_t i = versions_; i < kept.size(); ++i) ::unlink(kept[i].c_str());
}

}  // namespace srpd::control
