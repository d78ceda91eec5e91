// Every device attribute, written with thirty values in three states, with the kernel's answers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/lio_world.h"
#include "unit/lio/vectors.h"

namespace srpd::lio::test {
namespace {

constexpr std::string_view lun = "srpt/0xfe80000000000000449083fffe00e72a/tpgt_1/lun/lun_0";

struct Context {
  std::string plugin, state, value;
};

struct Rule {
  std::string attribute;
  std::vector<Context> contexts;
  struct Answer {
    int code;
    std::string text, value;
  };
  std::vector<Answer> answers;
};

/// '' and ' 1 ' in the file.
std::string unquoted(const std::string& word) { return word == "''" ? "" : word; }

Context parse_context(const std::string& word) {
  const std::size_t colon = word.find(':');
  const std::size_t equals = word.find('=');
  Context found{word.substr(0, colon), word.substr(colon + 1, equals - colon - 1), {}};
  if (equals != std::string::npos) found.value = unquoted(word.substr(equals + 1));
  return found;
}

void parse_answers(const std::string& line, Rule& rule) {
  // The one text with blanks in it is taken as one word.
  const auto words = split(stripped_ends(replaced(line, "' 1 '", "\x01")), ' ');
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string text = words[i];
    std::string value;
    const std::size_t arrow = text.find("=>");
    const bool other = arrow != std::string::npos;
    if (other) {
      value = text.substr(arrow + 2);
      text.resize(arrow);
    }
    text = text == "\x01" ? " 1 " : unquoted(text);
    rule.answers.push_back({errno_of(words[0]), text, other ? value : stripped_ends(text)});
  }
}

std::vector<Rule> read_rules(const std::string& kind) {
  std::vector<Rule> rules;
  bool wanted = false;
  for (const std::string& line : read_lines("attributes_6_1.txt")) {
    if (line[0] == ' ') {
      if (wanted) parse_answers(line, rules.back());
      continue;
    }
    auto words = split(line, ' ');
    const bool special = words[0] == "read-only" || words[0] == "untried";
    wanted = special ? words[0] == kind : kind.empty();
    if (!wanted) continue;
    if (special) words.erase(words.begin());
    Rule rule{words[0], {}, {}};
    for (std::size_t i = 1; i < words.size(); ++i) rule.contexts.push_back(parse_context(words[i]));
    rules.push_back(rule);
  }
  return rules;
}

/// A device of the kind in the state.
class Sweep {
 public:
  Sweep(const std::string& plugin, const std::string& state, const std::string& attribute)
      : path_("core/" + plugin + "_0/d/attrib/" + attribute) {
    const std::string device = "core/" + plugin + "_0/d";
    world_.mkdir("core/" + plugin + "_0");
    EXPECT_EQ(world_.mkdir(device), 0);
    if (state == "fresh") return;
    EXPECT_EQ(world_.write(device + "/control", control(plugin)), 0);
    if (plugin == "pscsi") {
      EXPECT_EQ(world_.write(device + "/udev_path", "/dev/sda"), 0);
    }
    EXPECT_EQ(world_.write(device + "/enable", "1"), 0);
    if (state == "enabled") return;
    const std::string port(lun.substr(0, lun.find("/tpgt_1")));
    for (const std::string& made : {std::string("srpt"), port, port + "/tpgt_1", std::string(lun)})
      EXPECT_EQ(world_.mkdir(made), 0);
    EXPECT_EQ(world_.symlink(std::string(lun) + "/d", device), 0);
  }

  int write(const std::string& text) { return world_.write(path_, text + "\n"); }
  std::string value() const { return stripped_ends(world_.text(path_)); }
  std::uint32_t mode() const { return world_.tree.status(world_.find(path_).value())->mode; }

 private:
  static std::string control(const std::string& plugin) {
    if (plugin == "rd_mcp") return "rd_pages=2048";
    if (plugin == "fileio") return "fd_dev_name=/tmp/f.img,fd_dev_size=8388608";
    if (plugin == "iblock") return "udev_path=/dev/nullb0";
    if (plugin == "pscsi") return "scsi_host_id=0,scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0";
    return "dev_config=file/tmp/u,dev_size=8388608";
  }

  World world_;
  std::string path_;
};

/// rtslib writes all attributes again after `enable`: a user device takes what it has already.
bool asks_for_no_change(const Rule& rule, const Context& context, const std::string& text) {
  return context.plugin == "user" && context.state != "fresh" &&
         rule.attribute == "emulate_write_cache" && text == "0";
}

TEST(LioAttributes, TakeEveryValueAsTheKernel) {
  int tried = 0;
  for (const Rule& rule : read_rules("")) {
    for (const Context& context : rule.contexts) {
      Sweep sweep(context.plugin, context.state, rule.attribute);
      EXPECT_EQ(sweep.mode(), 0644u) << rule.attribute;
      EXPECT_EQ(sweep.value(), context.value) << rule.attribute << " " << context.plugin;
      for (const Rule::Answer& answer : rule.answers) {
        SCOPED_TRACE(rule.attribute + " " + context.plugin + " " + context.state + " '" +
                     answer.text + "'");
        const std::string before = sweep.value();
        const int code = asks_for_no_change(rule, context, answer.text) ? 0 : answer.code;
        EXPECT_EQ(name_of(sweep.write(answer.text)), name_of(code));
        EXPECT_EQ(sweep.value(), answer.code == 0 ? answer.value : before);
        sweep.write(context.value);
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 6000);
}

TEST(LioAttributes, ReadOnlyOnesShowWhatTheKernelShows) {
  int seen = 0;
  for (const Rule& rule : read_rules("read-only")) {
    for (const Context& context : rule.contexts) {
      SCOPED_TRACE(rule.attribute + " " + context.plugin + " " + context.state);
      Sweep sweep(context.plugin, context.state, rule.attribute);
      EXPECT_EQ(sweep.mode(), 0444u);
      EXPECT_EQ(sweep.value(), context.value);
      EXPECT_EQ(name_of(sweep.write("1")), "EACCES");
      ++seen;
    }
  }
  EXPECT_GT(seen, 50);
}

/// The kernel asks a block queue that is not there yet.
TEST(LioAttributes, WhatCrashesTheKernelIsRefused) {
  int seen = 0;
  for (const Rule& rule : read_rules("untried")) {
    for (const Context& context : rule.contexts) {
      SCOPED_TRACE(rule.attribute + " " + context.plugin);
      Sweep sweep(context.plugin, context.state, rule.attribute);
      EXPECT_EQ(name_of(sweep.write("1")), "ENODEV");
      EXPECT_EQ(name_of(sweep.write("0")), "OK");
      EXPECT_EQ(sweep.value(), "0");
      ++seen;
    }
  }
  EXPECT_EQ(seen, 6);
}

}  // namespace
}  // namespace srpd::lio::test
