// The log: one line per event that an administrator would want to know, never one per I/O. A line
// names the object first. Any thread. Goes to stderr, with systemd's priority prefixes when stderr
// is the journal.
//
// A place in the code that logs too much is held up (log_limits.h): what it would have written is
// counted, and told once it may write again and something is logged.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace srpd::log {

enum class Level { debug, info, warning, error };
/// Text for people; for machines one JSON object or key=value pairs in each line.
enum class Format { text, json, logfmt };

/// Lines below `level` are dropped. The default is info.
void set_level(Level level);
/// Before the first line.
void set_format(Format format);
bool enabled(Level level);
/// Without a limit.
void write(Level level, std::string_view line);

/// Whether the place with this format string may write now; false where that is of no interest at
/// this level.
bool admit(Level level, fmt::string_view format);

/// What happened so far: lines that were written, and those that were only counted.
struct Counts {
  std::uint64_t written[4] = {};  ///< by level
  std::uint64_t suppressed = 0;
};
Counts counts();

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (admit(Level::info, format))
    write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (admit(Level::warning, format))
    write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (admit(Level::error, format))
    write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace srpd::log
