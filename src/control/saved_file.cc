#include "control/saved_file.h"

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

#include "base/whole_file.h"

namespace srpd::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_size = std::size_t{256} << 20;

tl::unexpected<Error> failed(const std::string& path, std::string_view what) {
  return failure(path, fmt::format("{}: {}", what, errno_text(errno)),
                 "the file is as it was before");
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

Expected<std::string> SavedFile::read() const { return read_file(path_, max_size); }

Expected<void> SavedFile::write(std::string_view text) {
  if (const auto now = read(); now && *now == text) return {};
  if (auto replaced = replace_file(path_, text, [this] { return keep_version(); }); !replaced)
    return replaced;
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
