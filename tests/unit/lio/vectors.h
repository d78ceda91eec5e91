// Test vectors in files of tests/data/lio; the files say what is in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace srpd::lio::test {

/// Lines without comments and empty ones.
std::vector<std::string> read_lines(const std::string& file);
std::vector<std::string> split(std::string_view text, char separator);
/// \n, \t and {x*64}.
std::string unescaped(std::string_view text);
/// "EINVAL"; 0 for "OK".
int errno_of(std::string_view name);
std::string name_of(int code);
std::string stripped_ends(std::string_view text);
std::string replaced(std::string text, std::string_view what, std::string_view by);

}  // namespace srpd::lio::test
