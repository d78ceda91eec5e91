#include <algorithm>

#include "control/import/format.h"

namespace srpd::control {
namespace {

// In the order in which they are tried: those that are told apart best come first.
const ImportFormat* const formats[] = {&lio_tree_format, &lio_format, &scst_format, &tgt_format};

const auto& table() {
  static const auto copies = [] {
    std::vector<ImportFormat> made;
    for (const ImportFormat* const format : formats) made.push_back(*format);
    return made;
  }();
  return copies;
}

}  // namespace

std::span<const ImportFormat> import_formats() { return table(); }

const ImportFormat* find_import_format(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(),
                                  [&](const ImportFormat& format) { return format.name == name; });
  return found == table().end() ? nullptr : &*found;
}

const ImportFormat* recognize_import_format(const ImportSource& source) {
  const auto found = std::find_if(table().begin(), table().end(), [&](const ImportFormat& format) {
    return format.recognizes(source);
  });
  return found == table().end() ? nullptr : &*found;
}

}  // namespace srpd::control
