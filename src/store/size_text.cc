#include "store/size_text.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>

namespace srpd::store {
namespace {

constexpr std::string_view units = "KMGTP";

tl::unexpected<Error> not_a_size(std::string_view text, std::string_view why) {
  return failure("size '" + std::string(text) + "'", std::string(why),
                 "write a number and a unit: 4096, 64K, 256M, 10G, 1.5T");
}

/// The factor of a unit suffix, or nothing when it is none.
std::optional<std::uint64_t> unit_factor(std::string_view suffix) {
  std::string upper;
  for (const char c : suffix)
    upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper.empty() || upper == "B") return 1;
  const std::size_t power = units.find(upper[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(upper).substr(1);
  if (!rest.empty() && rest != "IB" && rest != "B") return std::nullopt;
  const std::uint64_t base = rest == "B" ? 1000 : 1024;
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= base;
  return factor;
}

}  // namespace

Expected<std::uint64_t> parse_size(std::string_view text) {
  __extension__ using Wide = unsigned __int128;
  Wide whole = 0, fraction = 0, scale = 1;
  std::size_t at = 0, digits = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      if (++digits > 20) return not_a_size(text, "too many digits");
      Wide& part = point ? fraction : whole;
      part = part * 10 + static_cast<unsigned>(c - '0');
      if (point) scale *= 10;
      if (scale > 1'000'000'000) return not_a_size(text, "too many digits behind the point");
    } else {
      break;
    }
  }
  if (digits == 0) return not_a_size(text, "does not begin with a number");
  const auto factor = unit_factor(text.substr(at));
  if (!factor) {
    return not_a_size(text, "unknown unit '" + std::string(text.substr(at)) + "'");
  }
  const Wide bytes = whole * *factor + fraction * *factor / scale;
  if (bytes > static_cast<std::uint64_t>(INT64_MAX)) return not_a_size(text, "too large");
  return static_cast<std::uint64_t>(bytes);
}

std::string format_size(std::uint64_t bytes) {
  for (std::size_t power = units.size(); power > 0; --power) {
    const std::uint64_t unit = std::uint64_t{1} << (10 * power);
    if (bytes < unit) continue;
    if (bytes % unit == 0) return fmt::format("{} {}iB", bytes / unit, units[power - 1]);
    if (bytes * 4 % unit == 0 && bytes / unit < 1024) {
      return fmt::format("{:g} {}iB", static_cast<double>(bytes) / static_cast<double>(unit),
                         units[power - 1]);
    }
  }
  return fmt::format("{} bytes", bytes);
}

}  // namespace srpd::store
