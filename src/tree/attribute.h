// An attribute is a row of its directory's table, not an object: ten thousand units have some
// hundred attributes each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tree/failure.h"

namespace srpd::tree {

class Change;
class Directory;

/// Bytes that one store takes; a longer write is cut, and told so.
inline constexpr std::size_t max_store_bytes = 4095;

struct Attribute {
  /// The text that a reader gets. Called with the tree locked: it must not wait.
  using Show = Result<std::string> (*)(const Directory& directory);
  /// `text` is what one write(2) brought, at most max_store_bytes and never empty. What waits goes
  /// into Change::unlocked().
  using Store = Result<void> (*)(Change& change, Directory& directory, std::string_view text);

  std::string_view name;
  Show show = nullptr;    ///< null: write-only
  Store store = nullptr;  ///< null: read-only

  constexpr std::uint32_t mode() const { return (show ? 0444U : 0U) | (store ? 0200U : 0U); }
};

}  // namespace srpd::tree
