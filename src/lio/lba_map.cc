#include "lio/lba_map.h"

#include <fmt/format.h>

#include <cerrno>
#include <vector>

#include "lio/text.h"

namespace srpd::lio {
namespace {

using tree::fail;
using tree::Result;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end != 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// "GROUP:STATE" with a state of ALUA's letters.
bool is_member(std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view state = word.substr(colon + 1);
  return parse_number<std::uint16_t>(word.substr(0, colon)) && state.size() == 1 &&
         std::string_view("OASU").find(state[0]) != std::string_view::npos;
}

Result<std::string> parse_range(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.size() < 3) return fail(EINVAL, "a range is FIRST LAST GROUP:STATE...");
  const auto first = parse_unsigned(words[0]);
  const auto last = parse_unsigned(words[1]);
  if (!first || !last || *last < *first)
    return fail(EINVAL, "a range is FIRST LAST GROUP:STATE...");
  std::string out = fmt::format(" {} {}", *first, *last);
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (!is_member(words[i])) return fail(EINVAL, "a state is GROUP:STATE, STATE one of O A S U");
    out += fmt::format(" {}", words[i]);
  }
  return out + '\n';
}

}  // namespace

tree::Result<std::string> parse_lba_map(std::string_view text) {
  const auto lines = split(text, '\n');
  if (lines.empty()) return std::string();
  const auto header = split(lines[0], ' ');
  if (header.size() < 2 || !parse_number<std::uint32_t>(header[0]) ||
      !parse_number<std::uint32_t>(header[1]))
    return fail(EINVAL, "the first line is SEGMENT_SIZE MULTIPLIER");
  if (lines.size() == 1) return std::string();
  std::string out = fmt::format("{} {}\n", header[0], header[1]);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto range = parse_range(lines[i]);
    if (!range) return range;
    out += *range;
  }
  return out;
}

}  // namespace srpd::lio
