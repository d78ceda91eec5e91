// What of our backstores LIO does not know: to its tools these are handlers of "user" backstores,
// as tcmu-runner has them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace srpd::ns {

struct Handler {
  const char* name;         ///< of dev_config the part before the slash
  const char* description;  ///< of what comes after it
  /// What comes after the slash. The error names the cause only.
  Expected<void> (*check)(std::string_view rest);
};

std::span<const Handler> handlers();

/// A whole dev_config, "null/anything".
Expected<void> check_config(std::string_view config);

}  // namespace srpd::ns
