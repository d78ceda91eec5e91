// A complete configuration has the tree that the kernel shows for it: every path, type, mode and
// value.
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <string>

#include "support/lio_configured.h"
#include "support/lio_world.h"
#include "unit/lio/vectors.h"

namespace srpd::lio::test {
namespace {

/// Path to "directory", "-> TEXT" or "MODE VALUE".
using Dump = std::map<std::string, std::string>;

std::string escaped(const std::string& text) { return replaced(text, "\n", "\\n"); }

Dump kernel_dump() {
  Dump dump;
  std::vector<std::string> above;
  for (const std::string& line : read_lines("tree_6_1.tsv")) {
    const std::size_t depth = line.find_first_not_of(' ');
    const auto fields = split(line.substr(depth), '\t');
    above.resize(depth);
    std::string path;
    for (const std::string& directory : above) path += directory + "/";
    if (fields.size() == 1) {
      above.push_back(fields[0].substr(0, fields[0].size() - 1));
      dump[path + above.back()] = "directory";
    } else {
      dump[path + fields[0]] = fields[1] + " " + fields[2];
    }
  }
  return dump;
}

void dump_directory(const World& world, tree::Id directory, const std::string& path, Dump& dump) {
  const auto listed = world.tree.list(directory).value();
  for (const tree::Listed& entry : listed) {
    const std::string here = path.empty() ? entry.name : path + "/" + entry.name;
    const tree::Status& status = entry.status;
    if (status.kind == tree::Kind::directory) {
      dump[here] = "directory";
      dump_directory(world, status.id, here, dump);
    } else if (status.kind == tree::Kind::link) {
      dump[here] = "-> " + world.tree.link_text(status.id).value();
    } else {
      char mode[8];
      std::snprintf(mode, sizeof mode, "%o", status.mode);
      const auto value = world.tree.read(status.id);
      dump[here] = std::string(mode) + " ";
      if (value)
        dump[here] += escaped(*value);
      else if (status.mode & 0444)
        dump[here] += "!" + name_of(value.error().code);
    }
  }
}

bool is_time(const std::string& shown) {
  return shown.size() > 6 && shown.ends_with("\\n") && isdigit(shown[4]);
}

void expect_equal(const Dump& ours, const Dump& kernels) {
  for (const auto& [path, shown] : kernels) {
    const auto found = ours.find(path);
    if (found == ours.end()) {
      ADD_FAILURE() << path << " is missing";
    } else if (shown == "444 (any)") {
      EXPECT_TRUE(is_time(found->second)) << path << " " << found->second;
    } else {
      EXPECT_EQ(found->second, shown) << path;
    }
  }
  for (const auto& [path, shown] : ours)
    EXPECT_TRUE(kernels.contains(path)) << path << " is not in the kernel's";
}

TEST(LioDump, IsThatOfLinux61) {
  World world(measured(Profile::linux_6_1));
  ASSERT_EQ(make_dumped_configuration(world), 0);
  Dump ours;
  dump_directory(world, tree::root_id, "", ours);
  const Dump kernels = kernel_dump();
  EXPECT_GT(kernels.size(), 1100u);
  expect_equal(ours, kernels);
}

TEST(LioDump, IsThatOfLinux612) {
  World world(measured(Profile::linux_6_12));
  world.engine.let_ram_disks_discard();
  ASSERT_EQ(make_dumped_configuration(world), 0);
  Dump ours;
  dump_directory(world, tree::root_id, "", ours);
  Dump kernels = kernel_dump();
  for (const std::string& line : read_lines("tree_6_12_differences.tsv")) {
    const auto fields = split(line, '\t');
    kernels[fields[0]] = fields[1] + " " + fields[2];
  }
  expect_equal(ours, kernels);
}

}  // namespace
}  // namespace srpd::lio::test
