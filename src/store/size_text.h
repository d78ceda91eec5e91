// Sizes as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace srpd::store {

/// "4096", "64K", "256M", "1.5G", "2TiB", "500GB": K M G T P (with or without "iB") are powers of
/// 1024, "KB" and so on powers of 1000. Upper and lower case are the same.
Expected<std::uint64_t> parse_size(std::string_view text);

/// "256 MiB"; "1.5 GiB"; exact bytes where neither is short.
std::string format_size(std::uint64_t bytes);

}  // namespace srpd::store
