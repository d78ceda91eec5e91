// What the sessions of one loop share: memory for request slots, transfers and descriptor tables,
// the budget of credits, and the task management functions that wait for requests here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/loop.h"
#include "target/bound.h"

namespace srpd::target {

class Request;
class Session;
class TaskManagementPart;
class Shard;
struct TargetOptions;

using Shards = std::vector<std::unique_ptr<Shard>>;

/// Equal pieces of memory: taken from the heap when none is spare, given back to it beyond `keep`
/// spare ones, so that a burst does not stay resident and steady state allocates nothing.
class PiecePool {
 public:
  PiecePool(std::size_t size, std::size_t keep) : size_(size), keep_(keep) {}
  PiecePool(const PiecePool&) = delete;
  PiecePool& operator=(const PiecePool&) = delete;
  ~PiecePool();

  void* take();
  void give(void* piece);
  std::size_t taken() const { return taken_; }
  std::size_t size() const { return size_; }

 private:
  struct Spare {
    Spare* next;
  };
  const std::size_t size_;
  const std::size_t keep_;
  Spare* spare_ = nullptr;
  std::size_t spare_count_ = 0;
  std::size_t taken_ = 0;
};

/// All members on the shard's loop.
class Shard {
 public:
  /// `all`: the shards of the target, complete before the first session.
  Shard(runtime::Loop& loop, const TargetOptions& options, const Shards& all);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  runtime::Loop& loop() { return loop_; }
  const TargetOptions& options() const { return options_; }
  const Shards& all() const { return all_; }

  PiecePool& requests() { return requests_; }
  PiecePool& moves() { return moves_; }
  /// Descriptor tables of up to max_table_descriptors.
  PiecePool& tables() { return tables_; }
  static constexpr std::uint32_t max_table_descriptors = 4096;

  void add(Session& session);
  void remove(Session& session);
  Session* first_session() const { return sessions_; }
  std::uint32_t session_count() const { return session_count_; }

  /// Sessions tell how many credits more or fewer are in circulation.
  void credits_changed(std::int64_t by) { credits_ += by; }
  bool over_budget() const { return credits_ > budget_; }
  bool may_grow(std::uint32_t by) const { return credits_ + by <= budget_; }
  /// What each session may have when the budget is short.
  std::uint32_t fair_share() const;

  /// Numbers requests in order of arrival.
  std::uint64_t next_sequence() { return ++sequence_; }

  /// Ends the request at the end of this loop iteration: its session may be walking its requests.
  void end_later(Request& request);

  void add_waiter(TaskManagementPart& part);
  void remove_waiter(TaskManagementPart& part);
  bool has_waiters() const { return waiters_ != nullptr; }
  /// `request` moves no more data.
  void quiet(const Request& request);
  /// `request` has ended.
  void ended(const Request& request);

 private:
  void end_requests();

  runtime::Loop& loop_;
  const TargetOptions& options_;
  const Shards& all_;
  PiecePool requests_;
  PiecePool moves_;
  PiecePool tables_;
  Session* sessions_ = nullptr;
  std::uint32_t session_count_ = 0;
  std::int64_t credits_ = 0;
  const std::int64_t budget_;
  std::uint64_t sequence_ = 0;
  Request* ending_ = nullptr;
  Bound<runtime::Deferred, Shard, &Shard::end_requests> end_requests_{*this};
  TaskManagementPart* waiters_ = nullptr;
};

}  // namespace srpd::target
