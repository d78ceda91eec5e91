// simulation [--seed N | --seeds A..B] [--break BUG [--expect-failure]] [--verbose]
#include <fmt/core.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "world.h"

namespace {

using namespace srpd;
using simulation::Bug;

constexpr std::pair<const char*, Bug> bugs[] = {
    {"data", Bug::data},   {"credits", Bug::credits}, {"duplicate", Bug::duplicate},
    {"abort", Bug::abort}, {"leak", Bug::leak},       {"hang", Bug::hang},
    {"remap", Bug::remap}};

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t last = 100;
  Bug bug = Bug::none;
  const char* bug_name = nullptr;
  bool expect_failure = false;
  bool verbose = false;
};

[[noreturn]] void usage() {
  fmt::print(stderr,
             "usage: simulation [--seed N | --seeds A..B] [--break BUG [--expect-failure]] "
             "[--verbose]\nBUG:");
  for (const auto& [name, bug] : bugs) fmt::print(stderr, " {}", name);
  fmt::print(stderr, "\n");
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) usage();
  return value;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const bool has_value = i + 1 < argc;
    if (option == "--seed" && has_value) {
      arguments.first = arguments.last = number(argv[++i]);
    } else if (option == "--seeds" && has_value) {
      const std::string_view range = argv[++i];
      const std::size_t dots = range.find("..");
      if (dots == std::string_view::npos) usage();
      arguments.first = number(range.substr(0, dots));
      arguments.last = number(range.substr(dots + 2));
    } else if (option == "--break" && has_value) {
      arguments.bug_name = argv[++i];
      for (const auto& [name, bug] : bugs)
        if (std::string_view(arguments.bug_name) == name) arguments.bug = bug;
      if (arguments.bug == Bug::none) usage();
    } else if (option == "--expect-failure") {
      arguments.expect_failure = true;
    } else if (option == "--verbose") {
      arguments.verbose = true;
    } else {
      usage();
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  log::set_level(arguments.verbose ? log::Level::debug : log::Level::error);
  std::uint64_t turns = 0;
  for (std::uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    const auto outcome = simulation::run(seed, arguments.bug);
    turns += outcome.turns;
    if (arguments.verbose) fmt::print("seed {}: {} turns\n{}", seed, outcome.turns, outcome.status);
    if (outcome.findings.empty()) continue;
    fmt::print("seed {} failed:\n", seed);
    for (const auto& finding : outcome.findings) fmt::print("  {}\n", finding);
    if (arguments.expect_failure) return 0;
    fmt::print("{}replay: {} --seed {}{}{} --verbose\n", outcome.status, argv[0], seed,
               arguments.bug_name != nullptr ? " --break " : "",
               arguments.bug_name != nullptr ? arguments.bug_name : "");
    return 1;
  }
  fmt::print("{} seeds, {} turns: nothing found\n", arguments.last - arguments.first + 1, turns);
  return arguments.expect_failure ? 1 : 0;
}
