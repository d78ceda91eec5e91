// The formats that can be imported. Each is one file here and one line in formats.cc.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/import/imported.h"

namespace srpd::control {

/// A directory of files, in configfs. Paths are relative, names are sorted.
class ImportTree {
 public:
  virtual std::vector<std::string> directories(const std::string& path) const = 0;
  virtual std::vector<std::string> files(const std::string& path) const = 0;
  virtual std::vector<std::string> links(const std::string& path) const = 0;
  /// Without the newline at its end; nothing when it cannot be read.
  virtual std::optional<std::string> read(const std::string& file) const = 0;
  virtual bool writable(const std::string& file) const = 0;
  /// Where a link leads, as its text says.
  virtual std::string target(const std::string& link) const = 0;

 protected:
  ~ImportTree() = default;
};

/// A configuration to be read. Reading asks nothing else of the machine, so that any bytes can be
/// given to it.
struct ImportSource {
  std::string name;  ///< as messages call it: a path
  std::string text;  ///< of a file
  /// The files that an include statement names, patterns too. Empty: there are none.
  std::function<std::vector<ImportSource>(const std::string& pattern)> include;

  /// Instead of a text: the kernel's target as it runs.
  const ImportTree* tree = nullptr;
};

struct ImportFormat {
  std::string_view name;     ///< for --format
  std::string_view summary;  ///< for help texts
  /// Whether it looks like that; for those who do not say.
  bool (*recognizes)(const ImportSource& source);
  /// Fails only where nothing can be made of it.
  Expected<Imported> (*read)(const ImportSource& source);
};

std::span<const ImportFormat> import_formats();
/// Null for an unknown name.
const ImportFormat* find_import_format(std::string_view name);
/// The first that recognizes `source`; null when none does.
const ImportFormat* recognize_import_format(const ImportSource& source);

extern const ImportFormat lio_format;
extern const ImportFormat lio_tree_format;
extern const ImportFormat scst_format;
extern const ImportFormat tgt_format;

}  // namespace srpd::control
