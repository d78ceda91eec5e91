// The kinds of backstore there are. registry.cc is the only list.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "runtime/loop.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store {

/// One kind of backstore.
struct Type {
  std::string_view name;  ///< Specification::type
  std::string_view help;  ///< one line
  Expected<std::unique_ptr<Backstore>> (*open)(const Specification& specification,
                                               runtime::Loop& home);
};

std::span<const Type> types();

/// Opens what `specification` describes; any thread, since it may take long. The store is destroyed
/// on the thread of `home`, where it also looks for changes from outside; `home` outlives it.
Expected<std::unique_ptr<Backstore>> open(const Specification& specification, runtime::Loop& home);

}  // namespace srpd::store
