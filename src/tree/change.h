// One operation that changes the tree: holds the lock, collects the events, and lets the model wait
// for the world outside without making others wait with it.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tree/listener.h"

namespace srpd::tree {

class Directory;
class Tree;

class Change {
 public:
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  /// Unlocks the tree and tells the listeners.
  ~Change();

  /// Runs `work` with the tree unlocked. The object operated on (Directory::object), and that of
  /// the link target if there is one, are busy as long: others read them, but what would change or
  /// remove them, or anything that they are part of or that is part of them, waits. `work`
  /// therefore must not touch the tree.
  template <class Work>
  decltype(auto) unlocked(Work&& work) {
    const Unlocked scope(*this);
    return std::forward<Work>(work)();
  }

  /// An attribute got another value than by the store that this change is.
  void changed(const Directory& directory, std::string_view attribute);

 private:
  friend class Tree;

  class Unlocked {
   public:
    explicit Unlocked(Change& change);
    ~Unlocked();
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

   private:
    Change& change_;
  };

  explicit Change(Tree& tree);
  void add(Event::Kind kind, Id parent, Id id, const std::string& name);

  Tree& tree_;
  std::unique_lock<std::mutex> lock_;
  Directory* subject_ = nullptr;
  Directory* object_ = nullptr;
  std::vector<Event> events_;
};

}  // namespace srpd::tree
