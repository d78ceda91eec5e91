#include "control/import/scst_blocks.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace srpd::control {
namespace {

// SCST nests 4: TARGET_DRIVER, TARGET, GROUP, LUN.
constexpr std::size_t max_depth = 8;

/// Words of one line: braces are words, quotes hold one together, # begins a comment.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::size_t i = 0;
  while (i < line.size() && line[i] != '#') {
    if (std::isspace(static_cast<unsigned char>(line[i])) != 0) {
      ++i;
    } else if (line[i] == '{' || line[i] == '}') {
      words.emplace_back(1, line[i++]);
    } else if (line[i] == '"') {
      const std::size_t end = std::min(line.find('"', i + 1), line.size());
      words.emplace_back(line.substr(i + 1, end - i - 1));
      i = end + 1;
    } else {
      const std::size_t end = std::min(line.find_first_of(" \t\r\f\v{}#\"", i), line.size());
      words.emplace_back(line.substr(i, end - i));
      i = end;
    }
  }
  return words;
}

class Parser {
 public:
  explicit Parser(std::optional<ScstMistake>& mistake) : mistake_(mistake) {}

  ScstBlock run(std::string_view text) {
    open_.push_back({});
    std::size_t number = 0;
    while (!text.empty() && !mistake_) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      line(words_of(text.substr(0, end)), ++number);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (open_.size() > 1 && !mistake_) mistake_ = {open_.back().line, "its '}' is missing"};
    while (open_.size() > 1) close();
    return std::move(open_.front());
  }

 private:
  void line(std::vector<std::string> words, std::size_t number) {
    ScstBlock statement{number, {}, {}};
    for (std::string& word : words) {
      if (word == "{") {
        if (statement.words.empty()) return fail(number, "'{' without a keyword in front of it");
        if (open_.size() > max_depth) return fail(number, "blocks are nested too deeply");
        open_.push_back(std::exchange(statement, {number, {}, {}}));
      } else if (word == "}") {
        finish(statement, number);
        if (open_.size() == 1) return fail(number, "'}' without a '{'");
        close();
      } else {
        statement.words.push_back(std::move(word));
      }
    }
    finish(statement, number);
  }

  void finish(ScstBlock& statement, std::size_t number) {
    if (!statement.words.empty())
      open_.back().children.push_back(std::exchange(statement, {number, {}, {}}));
  }

  void close() {
    ScstBlock done = std::move(open_.back());
    open_.pop_back();
    open_.back().children.push_back(std::move(done));
  }

  void fail(std::size_t number, std::string cause) { mistake_ = {number, std::move(cause)}; }

  std::optional<ScstMistake>& mistake_;
  std::vector<ScstBlock> open_;
};

}  // namespace

std::string ScstBlock::value() const {
  std::string out;
  for (std::size_t i = 1; i < words.size(); ++i) out += (i == 1 ? "" : " ") + words[i];
  return out;
}

std::string ScstBlock::text() const {
  const std::string rest = value();
  return rest.empty() ? keyword() : keyword() + " " + rest;
}

const ScstBlock* ScstBlock::find(std::string_view keyword) const {
  const auto found = std::find_if(children.begin(), children.end(), [&](const ScstBlock& child) {
    return child.keyword() == keyword;
  });
  return found == children.end() ? nullptr : &*found;
}

ScstBlock parse_scst_blocks(std::string_view text, std::optional<ScstMistake>& mistake) {
  return Parser(mistake).run(text);
}

}  // namespace srpd::control
