#include "srpctl/shell.h"

#include <fmt/core.h>
#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>

#include "srpctl/attributes.h"
#include "srpctl/completion.h"
#include "srpctl/node.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

constexpr int history_lines = 1000;

std::string history_file() {
  const char* const home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.srpctl_history";
}

/// The commands of the shell, and where it stands.
class Shell {
 public:
  explicit Shell(Common& common) : common_(common) {}

  /// Nothing: the shell ends.
  std::optional<int> run_line(const std::string& line) {
    std::vector<std::string> words = split_line(line);
    if (words.empty() || words.front().starts_with('#')) return last_;
    const std::string& command = words.front();
    if (command == "exit" || command == "quit") return std::nullopt;
    if (command == "pwd") {
      fmt::print("{}\n", common_.place);
      last_ = success;
    } else if (command == "help" || command == "?") {
      last_ = help(words.size() > 1 ? words[1] : "");
    } else if (command == "cd") {
      last_ = change_place(words.size() > 1 ? words[1] : "/");
    } else if (words.size() == 1 && command.find('/') != std::string::npos) {
      last_ = change_place(command);
    } else {
      last_ = run_words(common_, words, true);
    }
    std::fflush(stdout);
    return last_;
  }

  std::string prompt() const { return printable(common_.place) + "> "; }
  int last() const { return last_; }

  Completion completion(std::string_view line) const {
    const auto client = rpc::Client::connect(common_.socket);
    const auto root = client ? load_nodes(**client) : tl::unexpected(client.error());
    return complete(line, root ? &*root : nullptr, common_.place,
                    [&](const Node& node) { return attribute_names(**client, node); });
  }

 private:
  static std::vector<std::string> attribute_names(rpc::Client& client, const Node& node) {
    std::vector<std::string> names;
    for (const AttributeGroup& group : attribute_groups(node)) {
      const auto listed = client.call("tree.list", {{"path", group.directory}});
      if (!listed) continue;
      for (const Json& each : *listed)
        if (each["kind"] == "attribute") names.push_back(each["name"].get<std::string>());
    }
    return names;
  }

  int change_place(const std::string& path) {
    return with_daemon(common_, [&](rpc::Client& client) -> int {
      const auto root = load_nodes(client);
      if (!root) return fail(root.error());
      const auto node = node_at(*root, absolute_path(common_.place, path));
      if (!node) return fail(node.error());
      common_.place = (*node)->path;
      return success;
    });
  }

  int help(const std::string& topic) {
    if (const auto text = attribute_help(topic); !text.empty()) {
      fmt::print("{}: {}\n", topic, text);
      return success;
    }
    if (!topic.empty()) {
      const auto all = commands();
      if (std::any_of(all.begin(), all.end(), [&](const CommandEntry& each) {
            return topic == each.name && each.in_shell;
          }))
        return run_words(common_, {topic, "--help"}, true);
      return fail({printable(topic), "it is no command and no attribute that is known",
                   "'help' lists the commands"});
    }
    for (const CommandEntry& each : commands())
      if (each.in_shell) fmt::print("{:<10} {}\n", each.name, each.summary);
    fmt::print(
        "cd PATH    Stand there: paths are then relative to it\n"
        "pwd        Show where that is\n"
        "help NAME  Explain a command or an attribute\n"
        "exit       Leave\n"
        "PATH COMMAND ... runs COMMAND as if the shell stood at PATH.\n");
    return success;
  }

  Common& common_;
  int last_ = success;
};

/// libedit, for as long as the terminal is read.
class Terminal {
 public:
  explicit Terminal(Shell& shell)
      : shell_(shell),
        history_(::history_init(), ::history_end),
        edit_(::el_init("srpctl", stdin, stdout, stderr), ::el_end) {
    HistEvent event{};
    ::history(history_.get(), &event, H_SETSIZE, history_lines);
    ::history(history_.get(), &event, H_SETUNIQUE, 1);
    if (!file_.empty()) ::history(history_.get(), &event, H_LOAD, file_.c_str());
    ::el_set(edit_.get(), EL_CLIENTDATA, this);
    ::el_set(edit_.get(), EL_EDITOR, "emacs");
    ::el_set(edit_.get(), EL_SIGNAL, 1);
    ::el_set(edit_.get(), EL_HIST, ::history, history_.get());
    ::el_set(edit_.get(), EL_PROMPT, &Terminal::prompt);
    ::el_set(edit_.get(), EL_ADDFN, "srpctl-complete", "Complete the word", &Terminal::tab);
    ::el_set(edit_.get(), EL_BIND, "^I", "srpctl-complete", nullptr);
    ::el_set(edit_.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_source(edit_.get(), nullptr);
  }

  ~Terminal() {
    HistEvent event{};
    if (!file_.empty()) ::history(history_.get(), &event, H_SAVE, file_.c_str());
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Nothing at the end of the input.
  std::optional<std::string> line() {
    for (;;) {
      int length = 0;
      errno = 0;
      const char* const text = ::el_gets(edit_.get(), &length);
      if (text == nullptr && errno == EINTR) {
        fmt::print("\n");
        continue;
      }
      if (text == nullptr || length <= 0) {
        fmt::print("\n");
        return std::nullopt;
      }
      std::string line(text, static_cast<std::size_t>(length));
      HistEvent event{};
      if (line.find_first_not_of(" \t\n") != std::string::npos)
        ::history(history_.get(), &event, H_ENTER, line.c_str());
      return line;
    }
  }

 private:
  static Terminal& of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<Terminal*>(self);
  }

  static char* prompt(EditLine* edit) {
    Terminal& self = of(edit);
    self.prompt_ = self.shell_.prompt();
    return self.prompt_.data();
  }

  static unsigned char tab(EditLine* edit, int) {
    const LineInfo* const info = ::el_line(edit);
    const std::string_view line(info->buffer,
                                static_cast<std::size_t>(info->cursor - info->buffer));
    const Completion found = of(edit).shell_.completion(line);
    if (found.candidates.empty()) return CC_REFRESH_BEEP;
    const std::string prefix = common_prefix(found.candidates);
    std::string rest = prefix.substr(std::min(found.word.size(), prefix.size()));
    const bool only = found.candidates.size() == 1;
    if (only && !prefix.ends_with('/') && !prefix.ends_with('=')) rest += ' ';
    if (!rest.empty()) return ::el_insertstr(edit, rest.c_str()) == -1 ? CC_ERROR : CC_REFRESH;
    if (only) return CC_NORM;
    show(found.candidates);
    return CC_REDISPLAY;
  }

  static void show(const std::vector<std::string>& candidates) {
    fmt::print("\n");
    for (const std::string& each : candidates) {
      const std::size_t slash = each.rfind('/', each.size() - 2);
      fmt::print("{}  ", printable(slash == std::string::npos ? each : each.substr(slash + 1)));
    }
    fmt::print("\n");
    std::fflush(stdout);
  }

  Shell& shell_;
  const std::string file_ = history_file();
  const std::unique_ptr<History, void (*)(History*)> history_;
  const std::unique_ptr<EditLine, void (*)(EditLine*)> edit_;
  std::string prompt_;
};

template <class NextLine>
int run_lines(Shell& shell, NextLine next) {
  while (const std::optional<std::string> line = next())
    if (!shell.run_line(*line)) break;
  return shell.last();
}

}  // namespace

bool is_for_shell(const std::vector<std::string>& words, Common& common) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string* value = nullptr;
    const std::size_t equals = words[i].find('=');
    const std::string name = words[i].substr(0, equals);
    if (name == "--socket") value = &common.socket;
    if (name == "--tree") value = &common.tree;
    if (name == "--state") value = &common.state;
    if (value == nullptr) return false;
    if (equals == std::string::npos && i + 1 == words.size()) return false;
    *value = equals == std::string::npos ? words[++i] : words[i].substr(equals + 1);
  }
  return true;
}

int run_shell(Common& common) {
  // Without a daemon there is nothing to stand on.
  const int answers = with_daemon(common, [](rpc::Client&) { return static_cast<int>(success); });
  if (answers != success) return answers;
  Shell shell(common);
  if (::isatty(STDIN_FILENO) != 0) {
    Terminal terminal(shell);
    return run_lines(shell, [&terminal] { return terminal.line(); });
  }
  return run_lines(shell, []() -> std::optional<std::string> {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  });
}

}  // namespace srpd::ctl
