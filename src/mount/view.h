// How a process sees the file system, and where a path leads to in it. The path is walked name by
// name and the walk stops at every mount of the tree, because a system call on our own mount would
// wait for ourselves: inside, the tree is asked.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "mount/mount_table.h"
#include "tree/tree.h"

namespace srpd::mount {

struct View {
  std::string prefix;         ///< of paths in system calls: "/proc/123/root"; empty: our own view
  std::string cwd;            ///< absolute; empty: not known
  std::vector<Mounted> tree;  ///< the mounts that show the tree
};

/// Of a process or thread; our own when it is 0 (it lives in a pid namespace that we do not see) or
/// gone. `tree` is the file system of the tree.
View view_of(pid_t process, Device tree);

/// Where `path` leads to: an object of the tree; EPERM for a directory elsewhere, ENOTDIR for
/// anything else; otherwise the errno of the walk. The path is relative to `from`, an absolute one.
tree::Result<tree::Id> find_in_tree(const tree::Tree& tree, const View& view, std::string_view from,
                                    std::string_view path);

/// Whether the walk along an absolute path enters the tree. Never asks the tree.
bool enters_tree(const View& view, std::string_view path);

/// What the text of a new link in the directory `link_parent` names: it is relative to the caller's
/// working directory, as it is for the kernel's configfs. Where that leads nowhere, a relative text
/// is tried from the link's directory, and any from its part that begins with "target/": the caller
/// may know the tree at a place that we cannot see.
tree::Result<tree::Id> resolve_link_text(const tree::Tree& tree, const View& view,
                                         tree::Id link_parent, std::string_view text);

}  // namespace srpd::mount
