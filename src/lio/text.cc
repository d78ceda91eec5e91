#include "lio/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace srpd::lio {
namespace {

constexpr std::string_view white_space = " \t\n\v\f\r";

tl::unexpected<tree::Failure> no_number() { return tree::fail(EINVAL, "it is not a number"); }

int take_base(std::string_view& digits) {
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    digits.remove_prefix(2);
    return 16;
  }
  return digits.size() > 1 && digits[0] == '0' ? 8 : 10;
}

Result<std::uint64_t> parse_digits(std::string_view digits) {
  const int base = take_base(digits);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size())
    return no_number();
  if (error == std::errc::result_out_of_range) return tree::fail(ERANGE, "the number is too large");
  return value;
}

}  // namespace

Result<std::uint64_t> parse_unsigned(std::string_view text) {
  text = without_newline(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  return parse_digits(text);
}

Result<std::int64_t> parse_signed(std::string_view text) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool negative = !text.empty() && text.front() == '-';
  const auto value =
      negative ? parse_digits(without_newline(text.substr(1))) : parse_unsigned(text);
  if (!value) return tl::unexpected(value.error());
  if (*value > most) return tree::fail(ERANGE, "the number is too large");
  const auto number = static_cast<std::int64_t>(*value);
  return negative ? -number : number;
}

Result<std::uint64_t> parse_within(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const auto value = parse_unsigned(text);
  if (!value) return value;
  if (*value < least || *value > most)
    return tree::fail(EINVAL, fmt::format("{} is not from {} to {}", *value, least, most));
  return value;
}

Result<bool> parse_flag(std::string_view text) {
  const char first = text.empty() ? '\0' : text[0];
  if (first == '1' || first == 'y' || first == 'Y') return true;
  if (first == '0' || first == 'n' || first == 'N') return false;
  if ((first == 'o' || first == 'O') && text.size() > 1) {
    if (text[1] == 'n' || text[1] == 'N') return true;
    if (text[1] == 'f' || text[1] == 'F') return false;
  }
  return tree::fail(EINVAL, "it is neither 0 nor 1");
}

std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split_items(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",\n"), text.size());
    if (end != 0) items.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

std::optional<std::string_view> value_of(std::string_view item, std::string_view key) {
  if (item.size() <= key.size() + 1 || !item.starts_with(key) || item[key.size()] != '=')
    return std::nullopt;
  return item.substr(key.size() + 1);
}

std::string hex(std::uint64_t value, unsigned digits) {
  return fmt::format("0x{:0{}x}", value, digits);
}

}  // namespace srpd::lio
