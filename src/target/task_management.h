// SRP_TSK_MGMT (SRP r16a 6.6, SAM-5 7). Every function is answered exactly once, by the deadline:
// when the commands it concerns have ended on all loops, or when the deadline passes, since a store
// that hangs must not keep the host from recovering. What it must not be answered with success
// before, is that the last data transfer of the host's own commands has ended: after the answer the
// host uses that memory for other things.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "srp/iu.h"
#include "target/bound.h"
#include "target/shard.h"
#include "transport/transport.h"

namespace srpd::scsi {
class ItNexus;
struct ItlNexus;
}  // namespace srpd::scsi

namespace srpd::target {

class Request;
class Session;
class TaskManagement;

/// The part of a function on one loop.
class TaskManagementPart final : private RequestWatcher {
 public:
  TaskManagementPart(TaskManagement& owner, Shard& shard) : owner_(owner), shard_(shard) {}

  /// Runs visit() on the shard's loop, at once where that is the caller's.
  void begin(runtime::Loop& caller);
  /// Transfers of the host's own commands under way here; any loop.
  bool moving() const { return moving_.load(std::memory_order_acquire) != 0; }

 private:
  void quiet(const Request& request) override;
  void ended(const Request& request) override;
  void visit();
  void abort_in(Session& session);
  void report_back();
  void back_home();
  bool concerns(const Request& request) const;

  TaskManagement& owner_;
  Shard& shard_;
  std::uint64_t sequence_ = 0;
  std::uint32_t remaining_ = 0;
  /// One more before the visit, when nobody knows yet.
  std::atomic<std::uint32_t> moving_{1};
  Bound<runtime::Mail, TaskManagementPart, &TaskManagementPart::visit> there_{*this};
  Bound<runtime::Mail, TaskManagementPart, &TaskManagementPart::back_home> back_{*this};
};

/// Lives until it is answered and all its parts have ended; its session waits for it.
class TaskManagement {
 public:
  /// The credit has been taken.
  static void start(Session& session, const srp::TaskManagement& request);

  /// Of the LUN it names; null: there was none.
  const scsi::ItlNexus* itl() const { return itl_; }

  TaskManagement* next_in_shard = nullptr;  ///< Shard

 private:
  friend class TaskManagementPart;
  enum class Scope : std::uint8_t { task, nexus_unit, unit };

  TaskManagement(Session& session, const srp::TaskManagement& request);
  ~TaskManagement();

  void run();
  void count() const;
  void begin_parts();
  bool matches(const Request& request) const;
  bool names_lun_of(const Request& request) const;
  bool has_task() const;
  bool is_own(const Request& request) const;
  void part_ended();
  void deadline();
  void answer(srp::ResponseCode code);
  void sent(int result);
  void try_end();

  Session& session_;
  const srp::TaskManagement request_;
  scsi::ItNexus* const nexus_;
  scsi::ItlNexus* const itl_;
  Scope scope_ = Scope::task;
  std::vector<std::unique_ptr<TaskManagementPart>> parts_;
  std::size_t parts_under_way_ = 0;
  bool answered_ = false;
  bool posted_ = false;
  Bound<runtime::Timer, TaskManagement, &TaskManagement::deadline> deadline_{*this};
  BoundWork<transport::SendWork, TaskManagement, &TaskManagement::sent> work_{*this};
  std::array<std::byte, srp::rsp_size_max(0)> iu_;
};

}  // namespace srpd::target
