#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "base/log_format.h"
#include "base/log_limits.h"

namespace srpd::log {
namespace {

std::atomic<Level> threshold{Level::info};
std::atomic<Format> chosen_format{Format::text};
std::atomic<std::uint64_t> written[4];
std::atomic<std::uint64_t> suppressed;

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

// systemd says which file the journal is (systemd.exec(5)): stderr may have been redirected since.
bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

bool journal() {
  static const bool is = stderr_is_journal();
  return is;
}

// The journal stamps time itself and reads "<N>" as the priority.
const char* pattern() {
  return journal() || chosen_format != Format::text ? "%v" : "%H:%M:%S.%e %^%l%$ %v";
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

std::string formatted(Level level, std::string_view line) {
  static constexpr const char* names[] = {"debug", "info", "warning", "error"};
  const char* const name = names[static_cast<int>(level)];
  const auto now = std::chrono::system_clock::now();
  switch (chosen_format.load(std::memory_order_relaxed)) {
    case Format::json:
      return json_line(now, name, line);
    case Format::logfmt:
      return logfmt_line(now, name, line);
    case Format::text:
      break;
  }
  return std::string(line);
}

struct Limited {
  std::mutex mutex;
  SiteLimits limits;
};

Limited& limited() {
  // Threads may log while the process ends.
  static auto& instance = *new Limited;
  return instance;
}

}  // namespace

void set_level(Level level) { threshold.store(level, std::memory_order_relaxed); }

void set_format(Format format) { chosen_format.store(format, std::memory_order_relaxed); }

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

bool admit(Level level, fmt::string_view format) {
  if (!enabled(level)) return false;
  Limited& all = limited();
  const std::lock_guard lock(all.mutex);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  while (const auto held_up = all.limits.take_suppressed(now))
    write(Level::warning,
          fmt::format("{} similar lines suppressed: \"{}\"", held_up->lines, held_up->site));
  if (all.limits.admit({format.data(), format.size()}, now)) return true;
  suppressed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

Counts counts() {
  Counts now;
  for (int i = 0; i < 4; ++i) now.written[i] = written[i].load(std::memory_order_relaxed);
  now.suppressed = suppressed.load(std::memory_order_relaxed);
  return now;
}

void write(Level level, std::string_view line) {
  static constexpr const char* priority[] = {"<7>", "<6>", "<4>", "<3>"};
  written[static_cast<int>(level)].fetch_add(1, std::memory_order_relaxed);
  logger().log(to_spdlog(level), "{}{}", journal() ? priority[static_cast<int>(level)] : "",
               formatted(level, line));
}

}  // namespace srpd::log
