#include "lio/lba_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "lio/text.h"

namespace srpd::lio {
namespace {

using tree::fail;
using tree::Result;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// A decimal number behind any blanks, which goes from the text. What follows does not matter.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::uint64_t value = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
    value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
  return value;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> two_numbers(std::string_view text) {
  const auto first = take_number(text);
  if (!first || text.find_first_of(" \t") != 0) return std::nullopt;
  const auto second = take_number(text);
  if (!second) return std::nullopt;
  return std::pair(*first, *second);
}

std::optional<std::string_view> behind_blank(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return text.substr(blank + 1);
}

struct Range {
  std::uint64_t first = 0, last = 0;
  std::vector<std::pair<std::uint64_t, char>> groups;  ///< and the letter of the state
};

/// As many as there are of "GROUP:STATE"; LIO stops without complaint at what is none.
Result<void> parse_groups(std::string_view text, Range& range) {
  for (std::optional<std::string_view> rest = text; rest; rest = behind_blank(*rest)) {
    std::string_view word = *rest;
    const auto group = take_number(word);
    if (!group || word.size() < 2 || word[0] != ':') return {};
    if (std::string_view("OASU").find(word[1]) == std::string_view::npos)
      return fail(EINVAL, "a state is one of O A S U");
    const bool twice = std::any_of(range.groups.begin(), range.groups.end(),
                                   [&](const auto& each) { return each.first == *group; });
    if (twice) return fail(EINVAL, "a range has the same group twice");
    range.groups.emplace_back(*group, word[1]);
  }
  return {};
}

Result<Range> parse_range(std::string_view text) {
  const auto numbers = two_numbers(text);
  const auto second = behind_blank(text);
  const auto groups = second ? behind_blank(*second) : std::nullopt;
  if (!numbers || !groups) return fail(EINVAL, "a range is FIRST LAST GROUP:STATE...");
  Range range{numbers->first, numbers->second, {}};
  if (auto parsed = parse_groups(*groups, range); !parsed) return tl::unexpected(parsed.error());
  return range;
}

std::string text_of(const Range& range) {
  std::string out = fmt::format("{} {}", range.first, range.last);
  for (const auto& [group, state] : range.groups) out += fmt::format(" {}:{}", group, state);
  return out + '\n';
}

}  // namespace

tree::Result<std::string> parse_lba_map(std::string_view text) {
  const auto lines = lines_of(text);
  if (lines.empty()) return std::string();
  const auto header = two_numbers(lines[0]);
  if (!header) return fail(EINVAL, "the first line is SEGMENT_SIZE MULTIPLIER");
  if (lines.size() == 1) return std::string();
  std::string out = fmt::format("{} {}\n", static_cast<std::uint32_t>(header->first),
                                static_cast<std::uint32_t>(header->second));
  std::optional<std::size_t> groups;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto range = parse_range(lines[i]);
    if (!range) return tl::unexpected(range.error());
    if (groups.value_or(range->groups.size()) != range->groups.size())
      return fail(EINVAL, "all ranges have states of the same groups");
    groups = range->groups.size();
    out += text_of(*range);
  }
  return out;
}

}  // namespace srpd::lio
