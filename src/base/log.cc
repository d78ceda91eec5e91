#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdlib>
#include <memory>

namespace srpd::log {
namespace {

std::atomic<Level> threshold{Level::info};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// The journal stamps time itself and reads "<N>" as the priority.
const char* pattern() {
  return std::getenv("JOURNAL_STREAM") != nullptr ? "%v" : "%H:%M:%S.%e %^%l%$ %v";
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>(
        "srpd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern(pattern());
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

}  // namespace

void set_level(Level level) { threshold.store(level, std::memory_order_relaxed); }

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view line) {
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  static constexpr const char* priority[] = {"<7>", "<6>", "<4>", "<3>"};
  if (journal) {
    logger().log(to_spdlog(level), "{}{}", priority[static_cast<int>(level)], line);
  } else {
    logger().log(to_spdlog(level), "{}", line);
  }
}

}  // namespace srpd::log
