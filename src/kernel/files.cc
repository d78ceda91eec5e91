#include "kernel/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "kernel/interruptible_writer.h"

namespace srpd::kernel {
namespace {

namespace fs = std::filesystem;

int write_undisturbed(const std::string& path, std::string_view text) {
  return InterruptibleWriter().write(path, text);
}

}  // namespace

Files::Files(std::string root, Write write)
    : root_(std::move(root)), write_(write ? std::move(write) : write_undisturbed) {}

std::optional<std::string> Files::read(std::string_view path) const {
  const int fd = ::open(full(path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece;
  ssize_t count = 0;
  while ((count = ::read(fd, piece.data(), piece.size())) > 0)
    text.append(piece.data(), static_cast<std::size_t>(count));
  ::close(fd);
  if (count < 0) return std::nullopt;
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

int Files::write(std::string_view path, std::string_view text) const {
  return write_(full(path), text);
}

bool Files::exists(std::string_view path) const { return ::access(full(path).c_str(), F_OK) == 0; }

std::vector<std::string> Files::list(std::string_view path) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(full(path), error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> Files::link_name(std::string_view path) const {
  std::error_code error;
  const fs::path target = fs::read_symlink(full(path), error);
  if (error) return std::nullopt;
  return target.filename().string();
}

bool Files::store(std::string_view path, std::string_view text) const {
  const fs::path to = full(path);
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  std::ofstream file(to, std::ios::trunc);
  file << text;
  file.close();
  return file.good();
}

void Files::remove(std::string_view path) const {
  std::error_code error;
  fs::remove(full(path), error);
}

}  // namespace srpd::kernel
