// The kernel's files: sysfs, /run, /dev. Below another root for tests, which then say what a write
// does, as the kernel would.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace srpd::kernel {

class Files {
 public:
  /// 0 or -errno. One system call: sysfs takes a value as a whole.
  using Write = std::function<int(const std::string& path, std::string_view text)>;

  /// `root`: in front of every path; empty for the machine's own.
  explicit Files(std::string root = {}, Write write = {});

  /// Without white space at the end. Nothing when it cannot be read.
  std::optional<std::string> read(std::string_view path) const;
  int write(std::string_view path, std::string_view text) const;
  bool exists(std::string_view path) const;
  /// The names in a folder, sorted; none when there is no such folder.
  std::vector<std::string> list(std::string_view path) const;
  /// The last part of where a symbolic link leads. Nothing when it is none.
  std::optional<std::string> link_name(std::string_view path) const;

  /// Makes or replaces a file, and its folder; false when that fails. For /run, not for sysfs.
  bool store(std::string_view path, std::string_view text) const;
  void remove(std::string_view path) const;

  std::string full(std::string_view path) const { return root_ + std::string(path); }

 private:
  std::string root_;
  Write write_;
};

}  // namespace srpd::kernel
