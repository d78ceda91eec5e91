// serve_tree DIRECTORY: LIO's tree over an engine that only takes notes, mounted there until it
// gets SIGTERM. For the tests of what works on the tree: no disk is served.
#include <fmt/core.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <utility>

#include "lio/root.h"
#include "mount/mount.h"
#include "ns/configfs.h"
#include "support/fake_engine.h"

int main(int argc, char** argv) {
  using namespace srpd;
  if (argc != 2) {
    fmt::print(stderr, "usage: serve_tree DIRECTORY\n");
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);

  lio::test::FakeEngine engine;
  std::atomic<const mount::Mount*> shown = nullptr;
  lio::Options options;
  options.is_own_mount = [&shown](const std::string& path) {
    const mount::Mount* const own = shown;
    return own != nullptr && own->contains(path);
  };
  options.other_subsystems = ns::other_subsystems();
  tree::Tree tree(lio::make_root(engine, std::move(options)));
  mount::Options where;
  where.directory = argv[1];
  auto mounted = mount::Mount::start(tree, where);
  if (!mounted) {
    fmt::print(stderr, "serve_tree: {}\n", mounted.error().text());
    return 1;
  }
  shown = mounted->get();
  fmt::print("ready\n");
  std::fflush(stdout);
  int number = 0;
  sigwait(&ends, &number);
  return 0;
}
