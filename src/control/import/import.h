// Configurations of other targets as ours: reads what is at a path, whatever it is.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "control/import/imported.h"

namespace srpd::control {

/// A file, "-" for standard input, or a directory of the kernel's target. `format` is a name of
/// import_formats(), or empty: found out. Sizes of files that the format does not have are those
/// that the files have here.
Expected<Imported> import_configuration(const std::string& path, std::string_view format);

}  // namespace srpd::control
