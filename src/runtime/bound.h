// Timers, mails, deferred calls and completions that run a member function of their owner: the
// embedded nodes of the runtime without a static function and a cast for each.
#pragma once

#include "runtime/completion.h"

namespace srpd::runtime {

/// Node: runtime::Timer, runtime::Mail or runtime::Deferred. A member of its owner.
template <class Node, class Owner, void (Owner::*Member)()>
class Bound : public Node {
 public:
  explicit Bound(Owner& owner) : Node(&run), owner_(owner) {}

 private:
  static void run(Node& self) { (static_cast<Bound&>(self).owner_.*Member)(); }

  Owner& owner_;
};

/// Work: anything derived from runtime::Completion. The member gets the result.
template <class Work, class Owner, void (Owner::*Member)(int)>
class BoundWork : public Work {
 public:
  explicit BoundWork(Owner& owner) : Work(&run), owner_(owner) {}

 private:
  static void run(runtime::Completion& self) {
    (static_cast<BoundWork&>(static_cast<Work&>(self)).owner_.*Member)(self.result());
  }

  Owner& owner_;
};

}  // namespace srpd::runtime
