// The kinds of backstore there are. registry.cc is the only list.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "runtime/loop.h"
#include "store/backstore.h"
#include "store/protected_store.h"
#include "store/specification.h"

namespace srpd::store {

/// One kind of backstore.
struct Type {
  std::string_view name;  ///< Specification::type
  std::string_view help;  ///< one line
  Expected<std::unique_ptr<Backstore>> (*open)(const Specification& specification,
                                               runtime::Loop& home);
  /// Null: blocks of this kind have no protection information.
  Expected<std::unique_ptr<Tuples>> (*keep_tuples)(const Specification& specification,
                                                   std::uint64_t blocks,
                                                   runtime::Loop& home) = nullptr;
};

std::span<const Type> types();

/// Opens what `specification` describes; any thread, since it may take long. The store is destroyed
/// on the thread of `home`, where it also looks for changes from outside; `home` outlives it.
Expected<std::unique_ptr<Backstore>> open(const Specification& specification, runtime::Loop& home);

/// Whether protect() is possible.
bool can_protect(std::string_view type);

/// `store`, opened from `specification`, with protection information. As open(); may take as long
/// as writing 8 bytes for every block.
Expected<std::unique_ptr<ProtectedStore>> protect(std::shared_ptr<Backstore> store,
                                                  const Specification& specification,
                                                  const Protection& protection,
                                                  runtime::Loop& home);

}  // namespace srpd::store
