#include "unit/lio/vectors.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace srpd::lio::test {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 20> names{{
    {"OK", 0},
    {"EPERM", EPERM},
    {"ENOENT", ENOENT},
    {"EBUSY", EBUSY},
    {"EEXIST", EEXIST},
    {"ENODEV", ENODEV},
    {"ENOTDIR", ENOTDIR},
    {"EISDIR", EISDIR},
    {"EINVAL", EINVAL},
    {"ERANGE", ERANGE},
    {"ENOSYS", ENOSYS},
    {"ENOTEMPTY", ENOTEMPTY},
    {"EFAULT", EFAULT},
    {"ESRCH", ESRCH},
    {"ENOTBLK", ENOTBLK},
    {"EACCES", EACCES},
    {"EOVERFLOW", EOVERFLOW},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"ENAMETOOLONG", ENAMETOOLONG},
    {"ENOSPC", ENOSPC},
}};

}  // namespace

std::vector<std::string> read_lines(const std::string& file) {
  std::ifstream in(std::string(SRPD_TEST_DATA) + "/lio/" + file);
  if (!in) throw std::runtime_error("no test data: " + file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  return lines;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t close = text.find('}', i);
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      out += text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
    } else if (text[i] == '{' && text.size() > i + 3 && text[i + 2] == '*' &&
               close != std::string_view::npos) {
      out.append(std::stoul(std::string(text.substr(i + 3, close - i - 3))), text[i + 1]);
      i = close;
    } else {
      out += text[i];
    }
  }
  return out;
}

int errno_of(std::string_view name) {
  for (const auto& [text, code] : names)
    if (text == name) return code;
  throw std::runtime_error("unknown errno " + std::string(name));
}

std::string name_of(int code) {
  for (const auto& [text, value] : names)
    if (value == code) return std::string(text);
  return std::to_string(code);
}

std::string stripped_ends(std::string_view text) {
  constexpr std::string_view blanks = " \n\t";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(blanks) - first + 1));
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

}  // namespace srpd::lio::test
