#include "lio/metadata.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/log.h"
#include "lio/model.h"

namespace srpd::lio {
namespace {

constexpr mode_t file_mode = 0600;

class File {
 public:
  File(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, file_mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool sync() const { return ::fsync(fd_) == 0; }

 private:
  int fd_;
};

}  // namespace

bool replace_file(const std::string& path, std::string_view text) {
  const std::string directory = path.substr(0, path.rfind('/'));
  const std::string temporary = path + ".new";
  {
    const File file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return false;
    if (!file.write(text) || !file.sync()) {
      const int number = errno;
      ::unlink(temporary.c_str());
      errno = number;
      return false;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return false;
  const File parent(directory, O_RDONLY | O_DIRECTORY);
  return parent.is_open() && parent.sync();
}

std::string place_of_metadata(const Model& model, const std::string& path) {
  if (model.dbroot().empty() || path.find("..") != std::string::npos) return {};
  std::string file = model.place_of_dbroot() + "/alua/" + path;
  return model.is_own_mount(file) ? std::string() : file;
}

void write_metadata(tree::Change& change, const Model& model, const MetadataFile& metadata) {
  const std::string file = place_of_metadata(model, metadata.path);
  if (file.empty()) return;
  const bool own_place = model.place_of_dbroot() == model.options().own_dbroot;
  change.unlocked([&] {
    const std::string directory = file.substr(0, file.rfind('/'));
    std::error_code error;  // Writing says it better.
    if (own_place) std::filesystem::create_directories(directory, error);
    if (::access(directory.c_str(), F_OK) != 0) return;
    if (!replace_file(file, metadata.text))
      log::warning("{}: the ALUA state cannot be saved: {}", file, errno_text(errno));
  });
}

void forget_metadata(tree::Change& change, const Model& model, const std::string& path) {
  const std::string file = place_of_metadata(model, path);
  if (file.empty()) return;
  change.unlocked([&] {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      log::warning("{}: the ALUA state cannot be removed: {}", file, errno_text(errno));
  });
}

}  // namespace srpd::lio
