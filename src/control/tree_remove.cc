#include "control/tree_remove.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace srpd::control {
namespace {

tree::Result<void> remove_child(tree::Tree& tree, tree::Id parent, const tree::Listed& child);

tree::Result<void> empty(tree::Tree& tree, tree::Id directory) {
  auto children = tree.list(directory);
  if (!children) return tl::unexpected(children.error());
  // A tpg's ACLs have links to its LUNs, so they go first.
  std::stable_partition(children->begin(), children->end(),
                        [](const tree::Listed& each) { return each.name == "acls"; });
  for (const tree::Listed& each : *children)
    if (auto removed = remove_child(tree, directory, each); !removed) return removed;
  return {};
}

tree::Result<void> remove_child(tree::Tree& tree, tree::Id parent, const tree::Listed& child) {
  if (child.status.kind == tree::Kind::attribute) return {};
  if (child.status.kind == tree::Kind::link) return tree.unlink(parent, child.name);
  if (auto emptied = empty(tree, child.status.id); !emptied) return emptied;
  auto removed = tree.rmdir(parent, child.name);
  // What came with its parent goes with it.
  if (!removed && removed.error().code == EPERM) return {};
  return removed;
}

}  // namespace

tree::Result<void> remove_tree(tree::Tree& tree, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const auto parent = tree.resolve(slash == std::string::npos ? "" : path.substr(0, slash));
  if (!parent) return tl::unexpected(parent.error());
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const auto found = tree.lookup(*parent, name);
  if (!found) return tl::unexpected(found.error());
  if (found->kind == tree::Kind::link) return tree.unlink(*parent, name);
  if (found->kind == tree::Kind::directory)
    if (auto emptied = empty(tree, found->id); !emptied) return emptied;
  return tree.rmdir(*parent, name);
}

}  // namespace srpd::control
