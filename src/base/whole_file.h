// Small files that are read and replaced as a whole.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace srpd {

/// Everything in the file; with more than `most` bytes an error.
Expected<std::string> read_file(const std::string& path, std::size_t most);

/// Makes `text` the content of the file, which is private where it is new. After a crash at any
/// moment it is the old one or the new one, never something between; when this returns well it is
/// the new one for good. On failure it is what it was, or the error says that it may be either.
/// `before` runs when all that can be large is on the disk and the file is still the old one; its
/// error ends the replacement.
Expected<void> replace_file(const std::string& path, std::string_view text,
                            const std::function<Expected<void>()>& before = {});

}  // namespace srpd
