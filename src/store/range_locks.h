// Who works on which range: operations that must not overlap wait for each other, in the order in
// which they came. Whoever shares a range shares it with others who do.
//
// It is a list under a mutex: operations under way are few, and only stores that must keep two
// things in step need it.
#pragma once

#include <cstdint>
#include <mutex>

#include "runtime/completion.h"
#include "runtime/loop.h"

namespace srpd::store {

class RangeLocks {
 public:
  struct Range {
    std::uint64_t begin = 0, end = 0;
    bool shared = false;
  };

  /// A range that is held or waited for; awaited after acquire().
  class Hold : public runtime::Completion, private runtime::Mail {
   public:
    Hold() : Mail([](Mail& self) { static_cast<Hold&>(self).complete(0); }) {}

   private:
    friend class RangeLocks;
    Range range_;
    runtime::Loop* loop_ = nullptr;
    bool held_ = false;
    Hold* previous_ = nullptr;
    Hold* next_ = nullptr;
    Hold* next_granted_ = nullptr;
  };

  ~RangeLocks();

  /// May complete inline; otherwise on `loop`, that of the caller. Result 0.
  void acquire(runtime::Loop& loop, Hold& hold, const Range& range);
  /// Any loop. The hold may go when this returns.
  void release(Hold& hold);

 private:
  bool is_free(const Hold& wanted) const;
  Hold* grant_from(Hold* first);

  std::mutex mutex_;
  Hold* first_ = nullptr;  // in the order of arrival
  Hold* last_ = nullptr;
};

}  // namespace srpd::store
