// Takes LUNs that hosts no longer see away from the commands that still use them.
//
// A round goes through every loop: whoever looked the LUN up before is then known, and nobody finds
// it any more. Commands get the abort deadline to end by themselves, so that hosts lose nothing.
// What is left then is aborted and answered with TASK ABORTED. What the store still holds, or the
// host does not take, keeps its memory, the view and with it the unit until it is let go of; so
// `done` always comes, and comes once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "target/bound.h"
#include "target/exports.h"
#include "target/shard.h"

namespace srpd::target {

class RemovalPart;

/// Everything on loops[0]. Lives until the last command is gone.
class Removal {
 public:
  /// `held`: the store has not let go of some command, or a host has not taken its answer.
  using Done = std::function<void(bool held)>;

  /// `gone` comes last, when nothing of it is left; both possibly at once.
  static void start(runtime::Loop& home, const Shards& shards, Views views, Done done,
                    std::function<void()> gone);

 private:
  friend class RemovalPart;

  Removal(runtime::Loop& home, const Shards& shards, Views views, Done done,
          std::function<void()> gone);
  ~Removal();

  void begin();
  void deadline();
  void part_returned();
  void log_held() const;
  void tell(bool held);

  runtime::Loop& home_;
  Views views_;
  Done done_;
  const std::function<void()> gone_;
  std::vector<std::unique_ptr<RemovalPart>> parts_;
  Bound<runtime::Timer, Removal, &Removal::deadline> deadline_{*this};
};

/// What a removal does on one loop.
class RemovalPart final : private RequestWatcher {
 public:
  RemovalPart(Removal& owner, Shard& shard) : owner_(owner), shard_(shard) {}

  // On loops[0].
  void begin();
  /// Aborts what is left, unless nothing is.
  void abort();
  bool ended() const { return ended_; }
  /// Nothing is left that was not aborted.
  bool aborted() const { return aborted_; }
  bool idle() const { return mails_ == 0; }

 private:
  // On the shard's loop.
  void visit();
  void abort_visit();
  void ended(const Request& request) override;
  void ended(const TaskManagement& function) override;
  void one_ended();
  void post_end();

  // On loops[0].
  void visited_all();
  void aborted_all();

  Removal& owner_;
  Shard& shard_;
  std::uint32_t remaining_ = 0;
  bool ended_ = false;       ///< loops[0]
  bool aborted_ = false;     ///< loops[0]
  std::uint32_t mails_ = 0;  ///< loops[0]: that will come back
  Bound<runtime::Mail, RemovalPart, &RemovalPart::visit> visit_{*this};
  Bound<runtime::Mail, RemovalPart, &RemovalPart::visited_all> ended_mail_{*this};
  Bound<runtime::Mail, RemovalPart, &RemovalPart::abort_visit> abort_{*this};
  Bound<runtime::Mail, RemovalPart, &RemovalPart::aborted_all> aborted_mail_{*this};
};

}  // namespace srpd::target
