// The form of scst.conf, without its meaning: statements of a keyword and words, where some are
// followed by a block of more in braces.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace srpd::control {

struct ScstBlock {
  std::size_t line = 0;
  std::vector<std::string> words;  ///< "DEVICE", "disk1"; never empty but for the file itself
  std::vector<ScstBlock> children;

  const std::string& keyword() const { return words.front(); }
  /// The words behind the keyword.
  std::string value() const;
  std::string text() const;
  /// The first child of this keyword.
  const ScstBlock* find(std::string_view keyword) const;
};

struct ScstMistake {
  std::size_t line = 0;
  std::string cause;
};

/// The blocks of a file. `mistake` is set to the first mistake; what stands before it is returned.
ScstBlock parse_scst_blocks(std::string_view text, std::optional<ScstMistake>& mistake);

}  // namespace srpd::control
