// Reads saveconfig.json as LIO's tools (rtslib, targetcli) write it. Whatever cannot be served is
// named one by one; the rest is.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "control/model.h"

namespace srpd::control {

struct SavedConfiguration {
  Configuration configuration;
  Problems problems;
};

/// Fails only where nothing can be made of it: not JSON, or not an object. Any input is safe.
Expected<SavedConfiguration> parse_saveconfig(std::string_view text);

/// The same for a file; errors name it.
Expected<SavedConfiguration> read_saveconfig(const std::string& path);

}  // namespace srpd::control
