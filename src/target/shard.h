// What the sessions of one loop share: memory for request slots, transfers and descriptor tables,
// the budget of credits, and the task management functions that wait for requests here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/loop.h"
#include "target/bound.h"
#include "target/latency_recorder.h"

namespace srpd::target {

class Request;
class Session;
class TaskManagement;
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

/// Waits for requests and task management functions of a shard to end.
class RequestWatcher {
 public:
  /// `request` moves no more data.
  virtual void quiet(const Request& request) { static_cast<void>(request); }
  /// `request` has ended. The watcher may leave the shard meanwhile.
  virtual void ended(const Request& request) = 0;
  virtual void ended(const TaskManagement& function) { static_cast<void>(function); }

 protected:
  ~RequestWatcher() = default;

 private:
  friend class Shard;
  RequestWatcher* next_watcher_ = nullptr;
};

/// All members on the shard's loop.
class Shard {
 public:
  /// `all`: the shards of the target, complete before the first session. `index`: among them.
  Shard(runtime::Loop& loop, const TargetOptions& options, const Shards& all, std::uint32_t index);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  runtime::Loop& loop() { return loop_; }
  const TargetOptions& options() const { return options_; }
  const Shards& all() const { return all_; }
  std::uint32_t index() const { return index_; }

  PiecePool& requests() { return requests_; }
  LatencyRecorder& latencies() { return latencies_; }
  PiecePool& moves() { return moves_; }
  /// Descriptor tables of up to max_table_descriptors.
  PiecePool& tables() { return tables_; }
  static constexpr std::uint32_t max_table_descriptors = 4096;

  void add(Session& session);
  void remove(Session& session);
  Session* first_session() const { return sessions_; }
  std::uint32_t session_count() const { return session_count_; }

  void add(TaskManagement& function);
  void remove(TaskManagement& function);
  TaskManagement* first_function() const { return functions_; }

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

  void add_watcher(RequestWatcher& watcher);
  void remove_watcher(RequestWatcher& watcher);
  bool has_watchers() const { return watchers_ != nullptr; }
  /// Tells the watchers.
  void quiet(const Request& request);
  template <class Work>
  void ended(const Work& request_or_function) {
    for (RequestWatcher* watcher = watchers_; watcher != nullptr;) {
      RequestWatcher* const next = watcher->next_watcher_;
      watcher->ended(request_or_function);
      watcher = next;
    }
  }

 private:
  void end_requests();

  runtime::Loop& loop_;
  const TargetOptions& options_;
  const Shards& all_;
  const std::uint32_t index_;
  LatencyRecorder latencies_;
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
  RequestWatcher* watchers_ = nullptr;
  TaskManagement* functions_ = nullptr;
};

}  // namespace srpd::target
