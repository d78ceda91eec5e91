// A file that is replaced as a whole: after a crash at any moment, a full disk or a signal it is
// the old one or the new one. Older versions are kept beside it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace srpd::control {

class SavedFile {
 public:
  /// `versions` older ones are kept in `backup/` beside the file, as NAME-DATE-TIME.
  explicit SavedFile(std::string path, std::size_t versions = 10);

  /// When it returns well, `text` is on the disk. The same text again changes nothing. On failure
  /// the file is what it was.
  Expected<void> write(std::string_view text);
  Expected<std::string> read() const;

  /// Paths of the older ones, newest first.
  std::vector<std::string> versions() const;
  const std::string& path() const { return path_; }

 private:
  Expected<void> keep_version() const;
  void prune() const;

  std::string path_;
  std::string directory_;
  std::string name_;
  std::size_t versions_;
};

}  // namespace srpd::control
