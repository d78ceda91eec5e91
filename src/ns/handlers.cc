#include "ns/handlers.h"

#include <algorithm>

namespace srpd::ns {
namespace {

Expected<void> accept(std::string_view) { return {}; }

constexpr Handler all[] = {
    {"null", "Any word. Reads give zeros, writes are dropped: for measurements.", &accept},
};

}  // namespace

std::span<const Handler> handlers() { return all; }

Expected<void> check_config(std::string_view config) {
  const std::size_t slash = config.find('/');
  const std::string name(config.substr(0, slash));
  const auto handler = std::find_if(handlers().begin(), handlers().end(),
                                    [&](const Handler& each) { return each.name == name; });
  if (handler == handlers().end()) return failure({}, "there is no handler '" + name + "'");
  if (slash == std::string_view::npos || slash + 1 == config.size())
    return failure({}, "something must follow '" + name + "/'");
  // The tools find it in a line of words and "KEY: VALUE".
  const auto bad = [](char c) { return c == ':' || static_cast<unsigned char>(c) <= ' '; };
  if (std::any_of(config.begin(), config.end(), bad))
    return failure({}, "colons and blanks cannot be saved");
  return handler->check(config.substr(slash + 1));
}

}  // namespace srpd::ns
