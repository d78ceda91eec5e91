// Where the protection information of a store's blocks is: that of block n at byte 8n of a store of
// its own.
#pragma once

#include <cerrno>
#include <cstdint>

#include "base/error.h"
#include "store/backstore.h"

namespace srpd::store {

class Tuples {
 public:
  virtual ~Tuples() = default;

  /// A completed write is on stable media, where the store has any.
  virtual Backstore& store() = 0;
  /// XORed to what is kept, so that what was never written says "unchecked".
  virtual std::uint64_t mask() const = 0;
  /// Keeps those of `blocks` blocks from now on; new ones say "unchecked". On no loop; may take
  /// long.
  virtual Expected<void> cover(std::uint64_t blocks) = 0;
  /// All say "unchecked". With nobody using the store, on no loop.
  virtual Expected<void> format() = 0;
};

}  // namespace srpd::store
