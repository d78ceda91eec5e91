// The tree with the semantics of the kernel's configfs: which operation is answered how, in which
// order the checks come, and what a listing looks like. What the directories mean is the model's
// business.
//
// Any thread may call. One lock is inside; an operation that waits for the world outside gives it
// up meanwhile (Change::unlocked), so that reading never waits for a slow store.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tree/change.h"
#include "tree/directory.h"
#include "tree/failure.h"
#include "tree/id.h"
#include "tree/listener.h"

namespace srpd::tree {

enum class Kind : std::uint8_t { directory, attribute, link };

/// What stat(2) shows.
struct Status {
  Id id = 0;
  Kind kind = Kind::directory;
  std::uint32_t mode = 0;  ///< permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t links = 1;  ///< 2 + subdirectories for a directory
  std::uint64_t size = 0;   ///< 4096 for every attribute, else 0
};

struct Listed {
  std::string name;
  Status status;
};

/// What chmod and chown set; the rest stays.
struct Ownership {
  std::optional<std::uint32_t> mode = {};
  std::optional<uid_t> uid = {};
  std::optional<gid_t> gid = {};
};

inline constexpr std::size_t max_name_bytes = 255;

class Tree {
 public:
  /// `root` is the mount point itself: what it contains are its default groups.
  explicit Tree(std::unique_ptr<Directory> root);
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  /// An id whose object is gone: ENOENT, here and everywhere below.
  Result<Status> status(Id id) const;
  Result<Status> lookup(Id directory, std::string_view name) const;
  /// Directories and links, newest first, then attributes.
  Result<std::vector<Listed>> list(Id directory) const;
  /// From the root, "target/core/..."; empty for the root.
  Result<std::string> path(Id id) const;
  /// Walks `path` from `from`; knows "", ".", ".." and follows links. Never leaves the tree: ".."
  /// of the root is the root, and a leading slash means the root.
  Result<Id> resolve(std::string_view path, Id from = root_id) const;

  /// EACCES where there is no show or no store: a mode that root cannot pass either.
  Result<void> may_open(Id attribute, bool reading, bool writing) const;
  /// What one open file gets, made anew by every call.
  Result<std::string> read(Id attribute) const;
  /// One store. Bytes accepted: at most max_store_bytes.
  Result<std::size_t> write(Id attribute, std::string_view text);

  Result<Id> mkdir(Id parent, std::string_view name);
  Result<void> rmdir(Id parent, std::string_view name);
  /// `target` is what the text of the link was resolved to; its failure is the answer when its turn
  /// among the checks comes. A text that leads out of the tree is EPERM, or what the lookup gave.
  Result<Id> symlink(Id parent, std::string_view name, const Result<Id>& target);
  Result<void> unlink(Id parent, std::string_view name);
  /// "../../target/core/...": up from the link's directory to the root, and down.
  Result<std::string> link_text(Id link) const;
  Result<Id> link_target(Id link) const;
  Result<Status> set_ownership(Id id, const Ownership& ownership);

  /// Runs `work(Change&, Directory&)` on a directory as an operation of the daemon's own, when
  /// nobody else is changing it.
  template <class Work>
  Result<void> change(Id directory, Work&& work) {
    Change change(*this);
    const auto found = settled(change, directory);
    if (!found) return tl::unexpected(found.error());
    std::forward<Work>(work)(change, **found);
    return {};
  }
  /// Runs `work(const Directory& root)` with nothing changing; it must not wait. Returns its
  /// result.
  template <class Work>
  auto inspect(Work&& work) const {
    const std::lock_guard lock(lock_);
    return std::forward<Work>(work)(static_cast<const Directory&>(*root_));
  }

  /// From when it is added until it is removed; nothing is called any more when remove_listener
  /// returns.
  void add_listener(Listener& listener);
  void remove_listener(Listener& listener);

 private:
  friend class Change;

  Result<Entry*> entry(Id id) const;
  Result<Directory*> directory(Id id) const;
  Result<std::pair<Directory*, const Attribute*>> attribute(Id id) const;
  /// The directory once nobody works on it; the lock was free in between when it was busy.
  Result<Directory*> settled(Change& change, Id id);
  /// As above for a child of `parent` that is about to go: nobody works below it either.
  Result<Entry*> settled_child(Change& change, Id parent, std::string_view name);
  Result<void> check_new(const Directory& parent, std::string_view name) const;
  Result<Id> walk(Id from, std::string_view path, unsigned links_left) const;
  Result<Id> step(Id from, std::string_view name, unsigned links_left) const;
  Status status_of(const Entry& entry) const;
  Status status_of(const Directory& directory, std::size_t row) const;
  Status owned(Status status) const;
  void take_in(Entry& entry);
  void forget(Entry& entry);
  void tell(const std::vector<Event>& events);

  mutable std::mutex lock_;
  std::condition_variable settled_;
  std::unordered_map<std::uint64_t, Entry*> entries_;  ///< by sequence
  std::map<Id, Ownership> ownerships_;                 ///< of those that chmod or chown changed
  std::uint64_t next_sequence_ = 0;
  std::uint64_t next_event_ = 0;
  std::shared_mutex listeners_lock_;
  std::vector<Listener*> listeners_;
  bool any_listener_ = false;  ///< under lock_
  std::unique_ptr<Directory> root_;
};

}  // namespace srpd::tree
