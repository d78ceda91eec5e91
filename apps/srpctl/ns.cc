// srpctl ns: a command in a mount namespace where LIO's tools find srpd's tree instead of the
// kernel's target. Made anew by each call and gone with the command, so there is nothing to clean
// up or to go stale.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "control/identity.h"
#include "ns/bus.h"
#include "ns/configfs.h"
#include "ns/mounts.h"
#include "ns/run.h"

namespace srpd::ctl {
namespace {

constexpr const char* description =
    "Run a command that finds srpd's tree at /sys/kernel/config, for example\n"
    "  srpctl ns targetcli ls\n"
    "Only the command and what it starts see it there; the kernel's own target, its saved\n"
    "configuration in /etc and the daemons of its tools stay untouched. Without a command a shell "
    "is run.";

/// What targetcli offers as names for a target: those that there are, and the machine's own.
std::vector<std::string> port_names(const std::string& tree) {
  std::vector<std::string> names = ns::target_names(tree);
  const std::string own = control::hex(control::derived_port_id(control::machine_seed()));
  if (std::find(names.begin(), names.end(), own) == names.end()) names.push_back(own);
  return names;
}

Expected<ns::State> enter(const Common& common) {
  if (auto usable = ns::check_tree(common.tree); !usable) return tl::unexpected(usable.error());
  if (auto private_now = ns::enter_private_namespace(); !private_now)
    return tl::unexpected(private_now.error());
  auto state = ns::prepare_state(common.state);
  if (!state) return state;
  if (auto shown = ns::show_state(*state); !shown) return tl::unexpected(shown.error());
  if (auto form = ns::show_tree(common.tree); !form) return tl::unexpected(form.error());
  if (auto shown = ns::show_ports(port_names(common.tree)); !shown)
    return tl::unexpected(shown.error());
  return state;
}

int run_ns(const Common& common, std::vector<std::string> command) {
  if (command.empty()) {
    const char* const shell = std::getenv("SHELL");
    command.emplace_back(shell != nullptr ? shell : "/bin/sh");
  }
  const auto state = enter(common);
  if (!state) return fail(state.error());
  ::setenv("TARGETCLI_HOME", state->settings.c_str(), 1);
  // Most commands need no bus; targetcli says by itself that it does not get on without.
  const auto bus = ns::Bus::start(state->run);
  if (!bus) fmt::print(stderr, "srpctl: warning: {} (targetcli needs it)\n", bus.error().text());
  const std::string address = bus ? (*bus)->address() : "unix:path=" + state->run + "/bus";
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
  const auto status = ns::run(command, bus ? bus->get() : nullptr);
  return status ? *status : fail(status.error());
}

}  // namespace

Action add_ns(CLI::App& app, const Common& common) {
  app.description(description);
  app.prefix_command();
  return [&app, &common] { return run_ns(common, app.remaining()); };
}

}  // namespace srpd::ctl
