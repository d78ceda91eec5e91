// srpctl: what an administrator does with srpd.
#include <fmt/core.h>

#include <csignal>
#include <cstdio>
#include <map>

#include "command.h"

namespace srpd::ctl {

int fail(const Error& error) {
  fmt::print(stderr, "srpctl: {}\n", error.text());
  return failed;
}

}  // namespace srpd::ctl

namespace {

using namespace srpd;

// The commands, in the order of the help text.
constexpr ctl::CommandEntry commands[] = {
    {"ns", "Run LIO's tools, such as targetcli, on srpd", &ctl::add_ns},
    {"import", "Take over the configuration of another target", &ctl::add_import},
    {"mount", "Put srpd's tree where LIO's tools look, for all processes", &ctl::add_mount},
    {"umount", "Take it away from there", &ctl::add_umount},
};

constexpr const char* footer =
    "Exit codes: 0 success; 1 it could not be done; 2 wrong usage; or those of a command that was "
    "run.";

}  // namespace

int main(int argc, char** argv) {
  // Writing to a closed pipe is an error to report, not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("Administration of srpd");
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", SRPD_VERSION);
  ctl::Common common;
  app.add_option("--tree", common.tree, "Where srpd shows its tree")->capture_default_str();
  app.add_option("--state", common.state, "Folder for what LIO's tools save")
      ->capture_default_str();
  std::map<const CLI::App*, ctl::Action> actions;
  for (const auto& command : commands) {
    CLI::App* const sub = app.add_subcommand(command.name, command.summary);
    actions[sub] = command.add(*sub, common);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ctl::success : ctl::usage_error;
  }
  return actions.at(app.get_subcommands().front())();
}
