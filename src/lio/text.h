// Numbers and words as LIO's attributes take them. The rules are those of the kernel's parsers, so
// that a script that works there works here, and one that fails gets the same errno.
#pragma once

#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tree/failure.h"

namespace srpd::lio {

using tree::Result;

/// Decimal, 0x or octal; one newline may follow, a plus sign may precede. EINVAL for anything else,
/// ERANGE over 64 bits.
Result<std::uint64_t> parse_unsigned(std::string_view text);
/// As above, with a minus sign allowed.
Result<std::int64_t> parse_signed(std::string_view text);

/// A number of type T; ERANGE when it does not fit.
template <class T>
Result<T> parse_number(std::string_view text) {
  if constexpr (std::is_signed_v<T>) {
    const auto value = parse_signed(text);
    if (!value) return tl::unexpected(value.error());
    if (*value < std::numeric_limits<T>::min() || *value > std::numeric_limits<T>::max())
      return tree::fail(ERANGE, "the number is too large");
    return static_cast<T>(*value);
  } else {
    const auto value = parse_unsigned(text);
    if (!value) return tl::unexpected(value.error());
    if (*value > std::numeric_limits<T>::max())
      return tree::fail(ERANGE, "the number is too large");
    return static_cast<T>(*value);
  }
}

/// least ... most, else EINVAL.
Result<std::uint64_t> parse_within(std::string_view text, std::uint64_t least, std::uint64_t most);

/// By the first character: 1 y Y, 0 n N; also on and off.
Result<bool> parse_flag(std::string_view text);

/// Without white space at both ends.
std::string_view stripped(std::string_view text);
/// Without one newline at the end.
std::string_view without_newline(std::string_view text);

/// "KEY=VALUE" items of `control`: separated by commas and newlines; empty ones are left out.
std::vector<std::string_view> split_items(std::string_view text);
/// The value when `item` is "KEY=VALUE" with a value.
std::optional<std::string_view> value_of(std::string_view item, std::string_view key);

/// "0x" and at least `digits` hex digits.
std::string hex(std::uint64_t value, unsigned digits);

}  // namespace srpd::lio
