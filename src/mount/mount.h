// The tree as a file system: what mkdir, ln -s, echo and cat do to it, and targetcli. Served by
// threads of its own over FUSE.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "tree/tree.h"

namespace srpd::mount {

/// Where the tree is unless somebody says otherwise.
inline constexpr const char* default_directory = "/run/srpd/tree";

struct Options {
  /// Made where it is missing; empty, or the kernel's configfs, which is covered then.
  std::string directory = default_directory;
  /// For how long the kernel may remember names and modes. It is told of every change.
  std::chrono::seconds cache = std::chrono::hours(1);
};

class Mount {
 public:
  /// `tree` outlives the mount. A mount that an earlier process left there when it was killed is
  /// taken away first, with a line in the log.
  static Expected<std::unique_ptr<Mount>> start(tree::Tree& tree, const Options& options);
  /// As stop().
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  /// Answers what has been asked, then unmounts. Processes that stand inside do not hinder it; they
  /// get ENOTCONN from then on.
  void stop();

  const std::string& directory() const;
  /// Whether a path leads into this mount, also through links and other mounts of it. Never waits
  /// for the mount, so what serves it may ask.
  bool contains(const std::string& path) const;
  /// How many requests of the kernel have been answered.
  std::uint64_t requests() const;

 private:
  struct Parts;
  explicit Mount(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace srpd::mount
