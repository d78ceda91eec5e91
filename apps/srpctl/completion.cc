#include "srpctl/completion.h"

#include <algorithm>
#include <cctype>

#include "srpctl/attributes.h"
#include "srpctl/command.h"

namespace srpd::ctl {
namespace {

void add_commands(std::string_view word, std::vector<std::string>& out) {
  for (const CommandEntry& each : commands())
    if (each.in_shell && std::string_view(each.name).starts_with(word)) out.emplace_back(each.name);
  for (const std::string_view each : builtins())
    if (each.starts_with(word)) out.emplace_back(each);
}

void add_paths(const Node& root, const std::string& place, const std::string& word,
               std::vector<std::string>& out) {
  const std::size_t slash = word.rfind('/');
  const std::string above = slash == std::string::npos ? "" : word.substr(0, slash + 1);
  const std::string begin = slash == std::string::npos ? word : word.substr(slash + 1);
  const Node* const node = find_node(root, absolute_path(place, above.empty() ? "." : above));
  if (node == nullptr) return;
  for (const Node& each : node->children)
    if (each.name.starts_with(begin))
      out.push_back(above + each.name + (each.children.empty() ? "" : "/"));
}

void add_attributes(const Node* node, const std::string& command, const std::string& word,
                    const AttributeNames& attributes, std::vector<std::string>& out) {
  if (node == nullptr) return;
  for (const std::string& name : attributes(*node))
    if (name.starts_with(word)) out.push_back(command == "set" ? name + "=" : name);
}

void add_topics(const std::string& word, std::vector<std::string>& out) {
  add_commands(word, out);
  for (const std::string_view each : known_attributes())
    if (each.starts_with(word)) out.emplace_back(each);
}

}  // namespace

std::vector<std::string_view> builtins() { return {"cd", "pwd", "help", "exit", "quit"}; }

Completion complete(std::string_view line, const Node* root, const std::string& place,
                    const AttributeNames& attributes) {
  std::vector<std::string> words = split_line(line);
  const bool new_word = line.empty() || std::isspace(static_cast<unsigned char>(line.back())) != 0;
  Completion result;
  if (!new_word && !words.empty()) {
    result.word = words.back();
    words.pop_back();
  }
  std::vector<std::string>& out = result.candidates;
  // "PATH COMMAND ..." works on PATH.
  std::string here = place;
  if (!words.empty() && root != nullptr &&
      (words.front().starts_with('/') || words.front().starts_with('.'))) {
    here = absolute_path(place, words.front());
    words.erase(words.begin());
  }
  if (words.empty()) add_commands(result.word, out);
  const std::string command = words.empty() ? std::string() : words.front();
  if (command == "help") {
    add_topics(result.word, out);
  } else if (root != nullptr) {
    if (command == "get" || command == "set") {
      const Node* node = find_node(*root, here);
      if (words.size() > 1)
        if (const Node* named = find_node(*root, absolute_path(here, words[1]))) node = named;
      add_attributes(node, command, result.word, attributes, out);
    }
    add_paths(*root, here, result.word, out);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return result;
}

std::string common_prefix(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return {};
  std::string prefix = candidates.front();
  for (const std::string& each : candidates) {
    const auto [end, other] = std::mismatch(prefix.begin(), prefix.end(), each.begin(), each.end());
    static_cast<void>(other);
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

std::vector<std::string> split_line(std::string_view line) {
  std::vector<std::string> words;
  bool open = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace srpd::ctl
