// The tree under scripts of any text: each operation is answered, and what is listed is there.
// fuzz layers: lio
// fuzz sources: support/fake_engine.cc
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "support/lio_world.h"

namespace {

using srpd::lio::test::World;
using srpd::tree::Kind;
using srpd::tree::Listed;

/// One line: a letter, a path below target/, and for some a tab and a text.
void run(World& world, std::string_view line) {
  if (line.size() < 2) return;
  const std::size_t tab = line.find('\t');
  const std::string path(line.substr(1, tab == std::string_view::npos ? tab : tab - 1));
  const std::string text(tab == std::string_view::npos ? "" : line.substr(tab + 1));
  int code = 0;
  switch (line[0]) {
    case 'm':
      code = world.mkdir(path);
      break;
    case 'r':
      code = world.rmdir(path);
      break;
    case 'l':
      code = world.symlink(path, text);
      break;
    case 'u':
      code = world.unlink(path);
      break;
    case 'w':
      code = world.write(path, text);
      break;
    case 'c':
      code = World::code(world.read(path));
      break;
    default:
      return;
  }
  CHECK(code >= 0);
}

void check_directory(const World& world, srpd::tree::Id directory) {
  const auto listed = world.tree.list(directory).value();
  for (const Listed& entry : listed) {
    const auto found = world.tree.lookup(directory, entry.name);
    CHECK(found && found->id == entry.status.id);
    const auto path = world.tree.path(entry.status.id);
    CHECK(path.has_value());
    if (entry.status.kind == Kind::link) {
      CHECK(world.tree.link_text(entry.status.id).has_value());
      continue;
    }
    CHECK(world.tree.resolve(*path).value() == entry.status.id);
    if (entry.status.kind == Kind::directory) check_directory(world, entry.status.id);
    if (entry.status.kind == Kind::attribute) static_cast<void>(world.tree.read(entry.status.id));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  std::string_view script(reinterpret_cast<const char*>(data), size);
  while (!script.empty()) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    run(world, script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  check_directory(world, srpd::tree::root_id);
  return 0;
}
