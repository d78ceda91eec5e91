// How many lines each place in the code may log: a burst, then a trickle. What comes beyond is
// counted, so that a host that provokes a line again and again does not fill the log with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace srpd::log {

class SiteLimits {
 public:
  using Time = std::chrono::nanoseconds;

  /// Lines that a site may write at once after it has been quiet.
  static constexpr int burst = 200;
  /// And one more each time this has passed.
  static constexpr Time interval = std::chrono::seconds(5);

  struct Suppressed {
    std::string_view site;
    std::uint64_t lines = 0;
  };

  /// Whether `site`, a format string that stays, may write now. `now` never goes back.
  bool admit(std::string_view site, Time now);
  /// A site that was held up and may write again, with how many of its lines were lost; each is
  /// told once.
  std::optional<Suppressed> take_suppressed(Time now);

 private:
  struct Site {
    std::string_view text;
    Time full_at{};  ///< when it may write a whole burst again
    std::uint64_t suppressed = 0;
  };
  static bool may_write(const Site& site, Time now);

  std::unordered_map<const char*, Site> sites_;
  std::size_t held_up_ = 0;  ///< sites with suppressed lines
};

}  // namespace srpd::log
