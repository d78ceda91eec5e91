#include "control/import/import.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <system_error>

#include "control/import/format.h"

namespace srpd::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_size = std::size_t{256} << 20;
// Of configfs no attribute is longer than a page.
constexpr std::size_t max_attribute_size = 65536;

Expected<std::string> read_file(const std::string& path, std::size_t limit) {
  const int fd = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failure(path, "cannot open: " + errno_text(errno));
  std::string text;
  std::array<char, 65536> buffer;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data(), buffer.size())) > 0 && text.size() <= limit)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  const int error = got < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) return failure(path, "cannot read: " + errno_text(error));
  if (text.size() > limit) return failure(path, "it is too large", "is it the right file?");
  return text;
}

class Configfs final : public ImportTree {
 public:
  explicit Configfs(std::string top) : top_(std::move(top)) {}

  std::vector<std::string> directories(const std::string& path) const override {
    return entries(path, [](fs::file_status status) { return fs::is_directory(status); });
  }
  std::vector<std::string> files(const std::string& path) const override {
    return entries(path, [](fs::file_status status) { return fs::is_regular_file(status); });
  }
  std::vector<std::string> links(const std::string& path) const override {
    return entries(path, [](fs::file_status status) { return fs::is_symlink(status); });
  }
  std::optional<std::string> read(const std::string& file) const override {
    auto text = read_file(top_ + "/" + file, max_attribute_size);
    if (!text) return std::nullopt;
    if (text->ends_with('\n')) text->pop_back();
    return std::move(*text);
  }
  bool writable(const std::string& file) const override {
    std::error_code error;
    const auto status = fs::status(top_ + "/" + file, error);
    return !error && (status.permissions() & fs::perms::owner_write) != fs::perms::none;
  }
  std::string target(const std::string& link) const override {
    std::error_code error;
    return fs::read_symlink(top_ + "/" + link, error).string();
  }

 private:
  std::vector<std::string> entries(const std::string& path,
                                   const std::function<bool(fs::file_status)>& wanted) const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(top_ + "/" + path, error))
      if (wanted(entry.symlink_status(error))) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  const std::string top_;
};

/// Files that cannot be read are left out, as tgt-admin does.
std::vector<ImportSource> included(const std::string& pattern) {
  std::vector<ImportSource> sources;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      if (auto text = read_file(found.gl_pathv[i], max_file_size)) {
        ImportSource source;
        source.name = found.gl_pathv[i];
        source.text = std::move(*text);
        sources.push_back(std::move(source));
      }
    }
  }
  ::globfree(&found);
  return sources;
}

/// LIO wants the size of a file, where other formats take what there is.
void complete_sizes(const std::string& name, Imported& imported) {
  std::vector<std::string> missing;
  for (SavedJson& disk : imported.disks()) {
    if (disk["plugin"] != "fileio" || disk.contains("size") || !disk["dev"].is_string()) continue;
    struct stat status{};
    const std::string path = disk["dev"];
    if (::stat(path.c_str(), &status) == 0) {
      if (S_ISREG(status.st_mode)) disk["size"] = static_cast<std::uint64_t>(status.st_size);
    } else {
      missing.push_back(path);
    }
  }
  for (const std::string& path : missing)
    imported.note(name, 0, "disk " + path, "the file is not here, so its size is not known",
                  "import where it is, or add \"size\"");
}

std::string names_of_formats() {
  std::string names;
  for (const ImportFormat& format : import_formats())
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

Expected<const ImportFormat*> format_for(const ImportSource& source, std::string_view name) {
  const ImportFormat* const format =
      name.empty() ? recognize_import_format(source) : find_import_format(name);
  if (format != nullptr) return format;
  if (!name.empty())
    return failure("--format " + std::string(name), "there is no such format",
                   "one of " + names_of_formats());
  return failure(source.name, "this is no configuration that is known",
                 "say what it is with --format: " + names_of_formats());
}

}  // namespace

Expected<Imported> import_configuration(const std::string& path, std::string_view format) {
  ImportSource source;
  source.name = path == "-" ? "standard input" : path;
  source.include = &included;
  std::error_code error;
  const Configfs tree(path);
  if (fs::is_directory(path, error)) {
    source.tree = &tree;
  } else {
    auto text = read_file(path, max_file_size);
    if (!text) return tl::make_unexpected(text.error());
    source.text = std::move(*text);
  }
  const auto chosen = format_for(source, format);
  if (!chosen) return tl::make_unexpected(chosen.error());
  auto imported = (*chosen)->read(source);
  if (imported) {
    complete_sizes(source.name, *imported);
    imported->sort_notes();
  }
  return imported;
}

}  // namespace srpd::control
