#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

constexpr CommandEntry all_commands[] = {
    {"ls", "Show the objects as a tree, with state and sizes", &add_ls},
    {"create", "Make a backstore, target, LUN, ACL or mapped LUN", &add_create},
    {"delete", "Remove an object with what is in it", &add_delete},
    {"get", "Show attributes of an object", &add_get},
    {"set", "Change attributes of an object", &add_set},
    {"info", "Show what is known of an object", &add_info},
    {"resize", "Give a backstore another size while hosts use it", &add_resize},
    {"status", "Show how srpd is", &add_status},
    {"sessions", "Show who is logged in", &add_sessions},
    {"top", "Show what hosts do, live", &add_top},
    {"metrics", "Print all numbers, as Prometheus reads them", &add_metrics},
    {"doctor", "Find out why a host cannot log in or does not see a LUN", &add_doctor},
    {"save", "Save the configuration", &add_save},
    {"apply", "Make the configuration what a file says", &add_apply},
    {"diff", "Compare the configuration with a file or with what is saved", &add_diff},
    {"history", "List the saved versions", &add_history},
    {"rollback", "Go back to a saved version", &add_rollback},
    {"drain", "Say goodbye to hosts and refuse logins", &add_drain},
    {"version", "Show the versions of srpctl and srpd", &add_version},
    {"ns", "Run LIO's tools, such as targetcli, on srpd", &add_ns, false},
    {"import", "Take over the configuration of another target", &add_import, false},
    {"mount", "Put srpd's tree where LIO's tools look, for all processes", &add_mount, false},
    {"umount", "Take it away from there", &add_umount, false},
};

constexpr const char* footer =
    "Objects have the paths of targetcli, and 'srpctl PATH COMMAND ...' is the same as 'srpctl "
    "COMMAND PATH ...'.\nWithout a command srpctl is a shell.\n\n"
    "Exit codes: 0 success; 1 it could not be done; 2 wrong usage; 3 no srpd answers; or those of "
    "a command that was run.";

bool is_command(const std::string& word) {
  return std::any_of(std::begin(all_commands), std::end(all_commands),
                     [&](const CommandEntry& each) { return word == each.name; });
}

/// "PATH COMMAND ..." as targetcli has it, to "COMMAND PATH ...".
void put_command_first(std::vector<std::string>& words) {
  std::size_t first = 0;
  while (first < words.size() && words[first].starts_with('-')) {
    const std::string& option = words[first];
    const bool takes_value = option == "--socket" || option == "--tree" || option == "--state";
    first += takes_value ? 2 : 1;
  }
  if (first + 1 < words.size() && !is_command(words[first]) && is_command(words[first + 1]))
    std::swap(words[first], words[first + 1]);
}

void add_options(CLI::App& app, Common& common) {
  app.set_version_flag("--version", SRPD_VERSION);
  app.add_option("--socket", common.socket, "Where srpd is asked")->capture_default_str();
  app.add_option("--tree", common.tree, "Where srpd shows its tree")->capture_default_str();
  app.add_option("--state", common.state, "Folder for what LIO's tools save")
      ->capture_default_str();
}

}  // namespace

std::span<const CommandEntry> commands() { return all_commands; }

int fail(const Error& error, int code) {
  std::fflush(stdout);
  fmt::print(stderr, "srpctl: {}\n", printable(error.text()));
  return code;
}

void print_json(const rpc::Json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, rpc::Json::error_handler_t::replace));
}

int with_daemon(const Common& common, const std::function<int(rpc::Client&)>& work) {
  const auto client = rpc::Client::connect(common.socket);
  if (!client) return fail(client.error(), no_daemon);
  try {
    return work(**client);
  } catch (const rpc::Json::exception& error) {
    return fail({"srpd", std::string("its answer is not understood: ") + error.what(),
                 "use the srpctl that came with it"});
  }
}

int show_call(const Common& common, const std::string& method, const rpc::Json& parameters,
              const std::function<int(const rpc::Json&)>& show) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto result = client.call(method, parameters);
    if (!result) return fail(result.error());
    if (!common.json) return show(*result);
    print_json(*result);
    const auto problems = result->is_object() ? result->find("problems") : result->end();
    const bool bad = result->is_object() && problems != result->end() && !problems->empty();
    return bad && method != "status" ? failed : success;
  });
}

int run_words(Common& common, std::vector<std::string> words, bool in_shell) {
  CLI::App app("Administration of srpd", "srpctl");
  app.footer(footer);
  app.require_subcommand(1);
  if (!in_shell) add_options(app, common);
  common.json = false;
  common.in_shell = in_shell;
  app.add_flag("--json", common.json, "Print what srpd says, as JSON");
  std::map<const CLI::App*, Action> actions;
  for (const CommandEntry& command : all_commands) {
    if (in_shell && !command.in_shell) continue;
    CLI::App* const sub = app.add_subcommand(command.name, command.summary);
    if (command.in_shell) sub->fallthrough();
    actions[sub] = command.add(*sub, common);
  }
  put_command_first(words);
  // CLI11 takes the words from the end.
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? success : usage_error;
  }
  return actions.at(app.get_subcommands().front())();
}

}  // namespace srpd::ctl
