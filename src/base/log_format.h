// The forms of a log line that machines read.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace srpd::log {

/// One JSON object: time (RFC 3339, UTC), level, message.
std::string json_line(std::chrono::system_clock::time_point time, std::string_view level,
                      std::string_view message);
/// The same as key=value pairs.
std::string logfmt_line(std::chrono::system_clock::time_point time, std::string_view level,
                        std::string_view message);

}  // namespace srpd::log
