#include "target/shard.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "target/request.h"
#include "target/session.h"
#include "target/target.h"
#include "target/task_management.h"

namespace srpd::target {
namespace {

// Spare pieces kept per loop. Requests are about 700 bytes, tables 64 KiB.
constexpr std::size_t spare_requests = 512;
constexpr std::size_t spare_moves = 256;
constexpr std::size_t spare_tables = 32;

}  // namespace

PiecePool::~PiecePool() {
  CHECK(taken_ == 0);
  while (spare_ != nullptr) ::operator delete(std::exchange(spare_, spare_->next));
}

void* PiecePool::take() {
  ++taken_;
  if (spare_ == nullptr) return ::operator new(size_);
  --spare_count_;
  return std::exchange(spare_, spare_->next);
}

void PiecePool::give(void* piece) {
  --taken_;
  if (spare_count_ == keep_) return ::operator delete(piece);
  ++spare_count_;
  spare_ = new (piece) Spare{spare_};
}

Shard::Shard(runtime::Loop& loop, const TargetOptions& options, const Shards& all,
             std::uint32_t index)
    : loop_(loop),
      options_(options),
      all_(all),
      index_(index),
      latencies_(loop),
      requests_(sizeof(Request), spare_requests),
      moves_(sizeof(Move), spare_moves),
      tables_(Request::table_piece_size, spare_tables),
      budget_(options.credits_per_loop) {}

Shard::~Shard() {
  CHECK(sessions_ == nullptr && watchers_ == nullptr && ending_ == nullptr &&
        functions_ == nullptr);
}

void Shard::add(Session& session) {
  if (sessions_ == nullptr) latencies_.start();
  session.next_in_shard = sessions_;
  if (sessions_ != nullptr) sessions_->previous_in_shard = &session;
  sessions_ = &session;
  ++session_count_;
}

void Shard::remove(Session& session) {
  latencies_.settle();
  (session.previous_in_shard == nullptr ? sessions_ : session.previous_in_shard->next_in_shard) =
      session.next_in_shard;
  if (session.next_in_shard != nullptr)
    session.next_in_shard->previous_in_shard = session.previous_in_shard;
  session.previous_in_shard = session.next_in_shard = nullptr;
  if (--session_count_ == 0) latencies_.stop();
}

std::uint32_t Shard::fair_share() const {
  return options_.credits_per_loop / std::max(session_count_, std::uint32_t{1});
}

void Shard::end_later(Request& request) {
  request.next_waiting = ending_;
  ending_ = &request;
  loop_.defer(end_requests_);
}

void Shard::end_requests() {
  while (ending_ != nullptr) {
    Request& request = *std::exchange(ending_, ending_->next_waiting);
    request.session().end(request);
  }
}

void Shard::add(TaskManagement& function) {
  function.next_in_shard = functions_;
  functions_ = &function;
}

void Shard::remove(TaskManagement& function) {
  TaskManagement** at = &functions_;
  while (*at != &function) at = &(*at)->next_in_shard;
  *at = function.next_in_shard;
}

void Shard::add_watcher(RequestWatcher& watcher) {
  watcher.next_watcher_ = watchers_;
  watchers_ = &watcher;
}

void Shard::remove_watcher(RequestWatcher& watcher) {
  RequestWatcher** at = &watchers_;
  while (*at != &watcher) at = &(*at)->next_watcher_;
  *at = watcher.next_watcher_;
}

void Shard::quiet(const Request& request) {
  for (RequestWatcher* watcher = watchers_; watcher != nullptr; watcher = watcher->next_watcher_)
    watcher->quiet(request);
}

}  // namespace srpd::target
