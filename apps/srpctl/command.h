// What the commands of srpctl have in common. One command per file; main.cc lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "base/error.h"
#include "mount/mount.h"
#include "ns/state.h"

namespace srpd::ctl {

/// Exit codes, as the help text explains them.
enum Exit : int { success = 0, failed = 1, usage_error = 2 };

/// Options before the command's name.
struct Common {
  std::string tree = mount::default_directory;
  std::string state = ns::default_state_directory;
};

/// A command says how it is called and returns what to do; that returns the exit code.
using Action = std::function<int()>;
struct CommandEntry {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App& app, const Common& common);
};

Action add_ns(CLI::App& app, const Common& common);
Action add_import(CLI::App& app, const Common& common);
Action add_mount(CLI::App& app, const Common& common);
Action add_umount(CLI::App& app, const Common& common);

/// Prints "srpctl: TEXT" to stderr and returns the code.
int fail(const Error& error);

}  // namespace srpd::ctl
