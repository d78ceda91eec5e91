// Aborts what PREEMPT AND ABORT preempts (SPC-4 5.9.11.5): a round through all loops marks the
// commands as aborted, and the command that asked for it waits for their end, until the abort
// deadline at most. Their hosts learn of it by TASK ABORTED where the unit says so (TAS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/completion.h"
#include "target/bound.h"
#include "target/shard.h"

namespace srpd::scsi {
class Lu;
}  // namespace srpd::scsi

namespace srpd::target {

class Preemption;

/// The part of it on one loop.
class PreemptionPart final : private RequestWatcher {
 public:
  PreemptionPart(Preemption& owner, Shard& shard) : owner_(owner), shard_(shard) {}

  void begin();

 private:
  // On the shard's loop.
  void visit();
  void ended(const Request& request) override;
  void report_back();
  bool concerns(const Request& request) const;

  void back_home();

  Preemption& owner_;
  Shard& shard_;
  std::vector<const Request*> waiting_;  ///< for their end
  Bound<runtime::Mail, PreemptionPart, &PreemptionPart::visit> there_{*this};
  Bound<runtime::Mail, PreemptionPart, &PreemptionPart::back_home> back_{*this};
};

/// On the loop of the command that asked for it. Lives until all commands are over, which may be
/// long after the answer; its session waits for it.
class Preemption {
 public:
  /// `number`: with which the nexuses are marked.
  static void start(Request& by, std::uint32_t number, runtime::Completion& done);

 private:
  friend class PreemptionPart;

  Preemption(Request& by, std::uint32_t number, runtime::Completion& done);

  void begin();
  void part_ended();
  void deadline();
  void answer();

  Session& session_;
  Shard& home_;
  const Request& by_;
  const std::shared_ptr<scsi::Lu> lu_;
  const std::uint32_t number_;
  runtime::Completion* done_;
  const bool holds_session_;
  std::vector<std::unique_ptr<PreemptionPart>> parts_;
  std::size_t under_way_ = 0;
  Bound<runtime::Timer, Preemption, &Preemption::deadline> deadline_{*this};
};

}  // namespace srpd::target
