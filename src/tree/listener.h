// Who wants to know what changed: caches of the mount, the saved configuration, subscribers of
// srpctl.
#pragma once

#include <cstdint>
#include <string>

#include "tree/id.h"

namespace srpd::tree {

struct Event {
  enum class Kind : std::uint8_t {
    made,      ///< a directory, by mkdir
    removed,   ///< a directory with all that was in it
    linked,    ///< a link, by symlink
    unlinked,  ///< a link
    stored,    ///< an attribute, by a store that succeeded
    changed,   ///< an attribute, by the daemon itself
  };
  Kind kind = Kind::made;
  Id parent = 0;     ///< the directory that it is in
  Id id = 0;         ///< what was made, removed or stored
  std::string name;  ///< of that, in `parent`
  std::uint64_t number =
      0;  ///< counts up: orders events that reach a listener by different threads
};

class Listener {
 public:
  /// Called by the thread that made the change, after the tree is unlocked and before the operation
  /// returns. It may read the tree, must not change it, and must not wait: a mount that has the
  /// kernel forget a name does so from a thread of its own.
  virtual void on_change(const Event& event) = 0;

 protected:
  ~Listener() = default;
};

}  // namespace srpd::tree
