// A progress bar on stderr while it is a terminal, and the rate at the end.
#pragma once

#include <chrono>
#include <cstdint>

namespace srpd::cli {

class Progress {
 public:
  /// `total` 0: unknown.
  Progress(const char* what, std::uint64_t total, bool quiet);
  void add(std::uint64_t bytes);
  /// Removes the bar; prints the rate unless quiet.
  void finish();
  std::uint64_t bytes() const { return bytes_; }

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  const char* what_;
  std::uint64_t total_;
  std::uint64_t bytes_ = 0;
  bool quiet_;
  bool terminal_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_draw_ = begin_;
};

}  // namespace srpd::cli
