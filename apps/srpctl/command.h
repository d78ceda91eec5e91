// What the commands of srpctl have in common. One command per file; commands.cc lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "mount/mount.h"
#include "ns/state.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace srpd::ctl {

/// Exit codes, as the help text explains them.
enum Exit : int { success = 0, failed = 1, usage_error = 2, no_daemon = 3 };

/// Options before the command's name, and where the shell stands.
struct Common {
  std::string tree = mount::default_directory;
  std::string state = ns::default_state_directory;
  std::string socket = rpc::default_socket;
  bool json = false;
  std::string place = "/";  ///< what paths are relative to
  bool in_shell = false;
};

/// A command says how it is called and returns what to do; that returns the exit code.
using Action = std::function<int()>;
struct CommandEntry {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App& app, const Common& common);
  bool in_shell = true;
};

/// In the order of the help text.
std::span<const CommandEntry> commands();

Action add_ls(CLI::App& app, const Common& common);
Action add_create(CLI::App& app, const Common& common);
Action add_delete(CLI::App& app, const Common& common);
Action add_get(CLI::App& app, const Common& common);
Action add_set(CLI::App& app, const Common& common);
Action add_info(CLI::App& app, const Common& common);
Action add_status(CLI::App& app, const Common& common);
Action add_sessions(CLI::App& app, const Common& common);
Action add_top(CLI::App& app, const Common& common);
Action add_metrics(CLI::App& app, const Common& common);
Action add_doctor(CLI::App& app, const Common& common);
Action add_save(CLI::App& app, const Common& common);
Action add_apply(CLI::App& app, const Common& common);
Action add_diff(CLI::App& app, const Common& common);
Action add_history(CLI::App& app, const Common& common);
Action add_rollback(CLI::App& app, const Common& common);
Action add_resize(CLI::App& app, const Common& common);
Action add_drain(CLI::App& app, const Common& common);
Action add_version(CLI::App& app, const Common& common);
Action add_ns(CLI::App& app, const Common& common);
Action add_import(CLI::App& app, const Common& common);
Action add_mount(CLI::App& app, const Common& common);
Action add_umount(CLI::App& app, const Common& common);

/// Prints "srpctl: TEXT" to stderr and returns the code.
int fail(const Error& error, int code = failed);

/// Runs `work(client)`, which returns an exit code; without a daemon says so.
int with_daemon(const Common& common, const std::function<int(rpc::Client&)>& work);
/// Calls one method and shows its result: as JSON, or by `show`, which returns an exit code.
int show_call(const Common& common, const std::string& method, const rpc::Json& parameters,
              const std::function<int(const rpc::Json&)>& show);
void print_json(const rpc::Json& json);

/// One run of the program, or one line of the shell: `words` without the program's name.
int run_words(Common& common, std::vector<std::string> words, bool in_shell);

}  // namespace srpd::ctl
