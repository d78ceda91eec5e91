#include "mount/mount_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace srpd::mount {
namespace {

std::string_view next_word(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start == std::string_view::npos) return line = {};
  line.remove_prefix(start);
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(word.size());
  return word;
}

bool is_octal(std::string_view digits) {
  return digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
}

/// Blanks and alike are written as \040.
std::string unescape(std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && is_octal(word.substr(i + 1, 3))) {
      unsigned code = 0;
      std::from_chars(word.data() + i + 1, word.data() + i + 4, code, 8);
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += word[i];
    }
  }
  return out;
}

std::optional<Device> parse_device(std::string_view word) {
  Device device;
  const char* const end = word.data() + word.size();
  const auto major = std::from_chars(word.data(), end, device.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != ':') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, device.minor);
  if (minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
  return device;
}

// ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS...] - TYPE SOURCE SUPER_OPTIONS
std::optional<Mounted> parse_line(std::string_view line) {
  next_word(line);
  next_word(line);
  const auto device = parse_device(next_word(line));
  if (!device) return std::nullopt;
  Mounted mounted;
  mounted.device = *device;
  mounted.root = unescape(next_word(line));
  mounted.point = unescape(next_word(line));
  for (std::string_view word = next_word(line); word != "-"; word = next_word(line))
    if (word.empty()) return std::nullopt;
  mounted.type = unescape(next_word(line));
  mounted.source = unescape(next_word(line));
  if (mounted.point.empty() || mounted.type.empty()) return std::nullopt;
  return mounted;
}

}  // namespace

std::vector<Mounted> parse_mount_table(std::string_view text) {
  std::vector<Mounted> table;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (auto mounted = parse_line(line)) table.push_back(std::move(*mounted));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return table;
}

std::vector<Mounted> mount_table(pid_t process) {
  std::ifstream file(process == 0 ? "/proc/self/mountinfo"
                                  : fmt::format("/proc/{}/mountinfo", process));
  return parse_mount_table(std::string(std::istreambuf_iterator<char>(file), {}));
}

const Mounted* find_mounted(const std::vector<Mounted>& table, std::string_view point) {
  for (auto mounted = table.rbegin(); mounted != table.rend(); ++mounted)
    if (mounted->point == point) return &*mounted;
  return nullptr;
}

}  // namespace srpd::mount
