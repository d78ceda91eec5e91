// What a large configuration costs the control plane: restoring it, listing and reading all of it,
// saving it, and one LUN more. The engine behind it does nothing.
#include <chrono>
#include <cstdio>
#include <string>

#include "control/tree_restore.h"
#include "control/tree_save.h"
#include "support/lio_world.h"

namespace {

using srpd::lio::test::World;
using srpd::tree::Kind;
using Clock = std::chrono::steady_clock;

constexpr int luns = 10000;
constexpr int initiators = 1000;
const std::string tpg = "srpt/0x00000000000000000000000000000001/tpgt_1";

void report(const char* what, Clock::time_point since) {
  const std::chrono::duration<double, std::milli> took = Clock::now() - since;
  std::printf("%-40s %10.3f ms\n", what, took.count());
}

void make_lun(World& world, int number) {
  const std::string n = std::to_string(number);
  world.make_ramdisk("rd_mcp_" + n, "disk" + n);
  world.mkdir(tpg + "/lun/lun_" + n);
  world.symlink(tpg + "/lun/lun_" + n + "/link", "core/rd_mcp_" + n + "/disk" + n);
}

void make_initiator(World& world, int number) {
  const std::string acl =
      tpg + "/acls/10.1." + std::to_string(number / 250) + "." + std::to_string(number % 250);
  world.mkdir(acl);
  for (int i = 0; i < luns / initiators; ++i) {
    const std::string mapped = acl + "/lun_" + std::to_string(i);
    world.mkdir(mapped);
    world.symlink(mapped + "/link",
                  tpg + "/lun/lun_" + std::to_string(number * (luns / initiators) + i));
  }
}

std::size_t read_all(const World& world, srpd::tree::Id directory) {
  std::size_t entries = 0;
  const auto listed = world.tree.list(directory).value();
  for (const auto& entry : listed) {
    ++entries;
    if (entry.status.kind == Kind::directory) entries += read_all(world, entry.status.id);
    if (entry.status.kind == Kind::attribute) static_cast<void>(world.tree.read(entry.status.id));
  }
  return entries;
}

}  // namespace

int main() {
  World made;
  made.mkdir("srpt");
  made.mkdir(tpg.substr(0, tpg.rfind('/')));
  made.mkdir(tpg);
  auto start = Clock::now();
  for (int i = 0; i < luns; ++i) make_lun(made, i);
  for (int i = 0; i < initiators; ++i) make_initiator(made, i);
  report("10000 LUNs and 1000 initiators made", start);

  start = Clock::now();
  make_lun(made, luns);
  report("one LUN more", start);

  start = Clock::now();
  const std::string text = srpd::control::save_tree(made.tree).text;
  report("saved", start);
  std::printf("%-40s %10zu bytes\n", "the file", text.size());

  World restored;
  start = Clock::now();
  const auto problems = srpd::control::restore_tree(restored.tree, text);
  report("restored", start);
  if (!problems || !problems->empty()) return 1;

  start = Clock::now();
  const std::size_t entries = read_all(restored, srpd::tree::root_id);
  report("listed, and all attributes read", start);
  std::printf("%-40s %10zu\n", "entries", entries);
  return 0;
}
