// srpctl mount and umount: the tree at /sys/kernel/config for the whole machine, where no target of
// the kernel's is in the way.
#include "command.h"
#include "ns/configfs.h"

namespace srpd::ctl {
namespace {

int finish(const Expected<void>& done) { return done ? success : fail(done.error()); }

int run_mount(const Common& common) {
  if (auto usable = ns::check_tree(common.tree); !usable) return fail(usable.error());
  return finish(ns::show_everywhere(common.tree));
}

}  // namespace

Action add_mount(CLI::App& app, const Common& common) {
  app.description(
      "Mount srpd's tree at /sys/kernel/config for all processes, so that targetcli works without "
      "'srpctl ns'.\nConfigfs must be there and the kernel's target not loaded. targetcli then "
      "keeps "
      "its files in /etc as ever.");
  return [&common] { return run_mount(common); };
}

Action add_umount(CLI::App& app, const Common&) {
  app.description("Show the kernel's configfs at /sys/kernel/config again.");
  return [] { return finish(ns::hide_everywhere()); };
}

}  // namespace srpd::ctl
