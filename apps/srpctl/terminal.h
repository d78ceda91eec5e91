// What is printed, and how: colours only on a terminal, and not where NO_COLOR asks for none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace srpd::ctl {

enum class Colour : std::uint8_t { plain, bold, green, yellow, red, blue };

/// Standard output is a terminal and https://no-color.org is not asked for.
bool coloured();
std::string paint(std::string_view text, Colour colour);

/// Of the terminal; 80 where there is none.
std::size_t terminal_width();

/// What can be shown of a text from outside: control characters as '?'.
std::string printable(std::string_view text);

/// Columns as wide as they need, two blanks between them; the last one is not filled. Rows are as
/// long as `head`.
std::string table(const std::vector<std::string>& head,
                  const std::vector<std::vector<std::string>>& rows);

/// "16.0MiB", as targetcli writes it.
std::string short_size(std::uint64_t bytes);
/// "3 s", "5 min", "2 h", "9 d".
std::string short_time(double seconds);
/// "85 us", "1.2 ms", "3.4 s".
std::string short_latency(double microseconds);
std::string plural(std::size_t count, std::string_view what);

}  // namespace srpd::ctl
