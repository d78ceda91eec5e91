#include "lio/profile.h"

#include <sys/utsname.h>

#include <charconv>
#include <utility>

namespace srpd::lio {
namespace {

/// The number at the start of the text, and what comes after the character behind it; 0: there is
/// none.
std::pair<unsigned, std::string_view> take_number(std::string_view text) {
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const char* const rest = std::from_chars(text.data(), end, number).ptr;
  if (rest == end) return {number, {}};
  return {number, text.substr(static_cast<std::size_t>(rest - text.data()) + 1)};
}

}  // namespace

Profile profile_of_release(std::string_view release) {
  const auto [major, after] = take_number(release);
  const unsigned minor = take_number(after).first;
  return std::pair(major, minor) >= std::pair(6u, 12u) ? Profile::linux_6_12 : Profile::linux_6_1;
}

Profile profile_of_machine() {
  utsname machine{};
  if (uname(&machine) != 0) return Profile::linux_6_1;
  return profile_of_release(machine.release);
}

}  // namespace srpd::lio
