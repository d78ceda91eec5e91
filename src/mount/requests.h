// The kernel's requests, answered from the tree. A node of FUSE has the number of the tree's
// object: these are never used twice, so nothing has to be kept until the kernel forgets a node.
#pragma once

#include <time.h>

#include <list>
#include <memory>
#include <mutex>

#include "mount/crew.h"
#include "mount/mount_table.h"
#include "tree/tree.h"

struct fuse_lowlevel_ops;

namespace srpd::mount {

/// What is kept for an open file or directory until the kernel releases it, or the mount ends.
struct Opened {
  virtual ~Opened() = default;
  std::list<std::unique_ptr<Opened>>::iterator self{};
};

/// What the answers need; the session's user data.
struct Served {
  tree::Tree& tree;
  double cache_s = 0;  ///< for how long the kernel may remember names and modes
  timespec since{};    ///< the time stamp of everything
  Device device{};     ///< the tree's own; set before the first request that needs it
  Crew* crew = nullptr;
  std::mutex opened_lock{};
  std::list<std::unique_ptr<Opened>> opened{};
};

const fuse_lowlevel_ops& operations();

}  // namespace srpd::mount
