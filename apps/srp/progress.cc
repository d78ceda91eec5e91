#include "progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "command.h"

namespace srpd::cli {
namespace {

constexpr int bar_width = 40;

}  // namespace

Progress::Progress(const char* what, std::uint64_t total, bool quiet)
    : what_(what), total_(total), quiet_(quiet), terminal_(!quiet && isatty(STDERR_FILENO) != 0) {}

void Progress::add(std::uint64_t bytes) {
  bytes_ += bytes;
  if (!terminal_) return;
  if (const auto now = Clock::now(); now >= next_draw_) draw(now);
}

void Progress::draw(Clock::time_point now) {
  next_draw_ = now + std::chrono::milliseconds(100);
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const auto rate =
      static_cast<std::uint64_t>(static_cast<double>(bytes_) / std::max(seconds, 1e-3));
  std::string bar;
  if (total_ > 0) {
    const double part = static_cast<double>(bytes_) / static_cast<double>(total_);
    const int filled = std::min(bar_width, static_cast<int>(part * bar_width));
    bar = fmt::format("[{}{}] {:3.0f} % ", std::string(static_cast<std::size_t>(filled), '#'),
                      std::string(static_cast<std::size_t>(bar_width - filled), '.'), part * 100);
  }
  fmt::print(stderr, "\r{}{}, {}/s \033[K", bar, size_text(bytes_), size_text(rate));
}

void Progress::finish() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
  if (quiet_) return;
  const double seconds =
      std::max(std::chrono::duration<double>(Clock::now() - begin_).count(), 1e-6);
  fmt::print(stderr, "{} {} in {:.2f} s, {}/s\n", what_, size_text(bytes_), seconds,
             size_text(static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds)));
}

}  // namespace srpd::cli
