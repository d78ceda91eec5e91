#include "target/removal.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "scsi/lu.h"
#include "target/request.h"
#include "target/session.h"
#include "target/target.h"
#include "target/task_management.h"

namespace srpd::target {
namespace {

bool concerns(const Removal& removal, const scsi::ItlNexus* itl) {
  return itl != nullptr &&
         static_cast<const View*>(itl)->removal.load(std::memory_order_relaxed) == &removal;
}

}  // namespace

void Removal::start(runtime::Loop& home, const Shards& shards, Views views, Done done,
                    std::function<void()> gone) {
  if (views.empty()) {
    if (done) done(false);
    if (gone) gone();
    return;
  }
  // Ends by itself.
  (new Removal(home, shards, std::move(views), std::move(done), std::move(gone)))->begin();
}

Removal::Removal(runtime::Loop& home, const Shards& shards, Views views, Done done,
                 std::function<void()> gone)
    : home_(home), views_(std::move(views)), done_(std::move(done)), gone_(std::move(gone)) {
  for (const auto& view : views_) view->removal.store(this, std::memory_order_relaxed);
  for (const auto& shard : shards) parts_.push_back(std::make_unique<RemovalPart>(*this, *shard));
  home_.start_timer(deadline_, home_.now() + shards.front()->options().abort_deadline);
}

Removal::~Removal() { home_.cancel_timer(deadline_); }

void Removal::begin() {
  for (const auto& part : parts_) part->begin();
}

void Removal::deadline() {
  for (const auto& part : parts_)
    if (!part->ended()) part->abort();
}

void Removal::log_held() const {
  const View& first = *views_.front();
  log::warning("LUN {} ({}): removed, but commands on it do not end; {} stays open until they do",
               first.number, first.lu->identity().name, first.lu->store().description());
}

void Removal::tell(bool held) {
  if (const Done done = std::exchange(done_, nullptr)) done(held);
}

void Removal::part_returned() {
  const auto all = [this](auto predicate) {
    return std::all_of(parts_.begin(), parts_.end(), predicate);
  };
  if (!all([](const auto& part) { return part->ended(); })) {
    if (!all([](const auto& part) { return part->ended() || part->aborted(); })) return;
    if (done_) log_held();
    return tell(true);
  }
  if (!all([](const auto& part) { return part->idle(); })) return;
  const auto gone = gone_;
  views_.clear();
  tell(false);
  delete this;
  if (gone) gone();
}

// One loop

void RemovalPart::begin() {
  ++mails_;
  shard_.loop().post(visit_);
}

void RemovalPart::abort() {
  ++mails_;
  shard_.loop().post(abort_);
}

void RemovalPart::visit() {
  for (Session* session = shard_.first_session(); session != nullptr;
       session = session->next_in_shard)
    session->for_each(
        [this](const Request& request) { remaining_ += concerns(owner_, request.itl) ? 1 : 0; });
  for (const TaskManagement* function = shard_.first_function(); function != nullptr;
       function = function->next_in_shard)
    remaining_ += concerns(owner_, function->itl()) ? 1 : 0;
  if (remaining_ == 0) return post_end();
  shard_.add_watcher(*this);
}

void RemovalPart::ended(const Request& request) {
  if (concerns(owner_, request.itl)) one_ended();
}

void RemovalPart::ended(const TaskManagement& function) {
  if (concerns(owner_, function.itl())) one_ended();
}

void RemovalPart::one_ended() {
  if (--remaining_ != 0) return;
  shard_.remove_watcher(*this);
  post_end();
}

// Their counters go with the views.
void RemovalPart::post_end() {
  shard_.latencies().settle();
  owner_.home_.post(ended_mail_);
}

void RemovalPart::abort_visit() {
  for (Session* session = shard_.first_session(); session != nullptr;
       session = session->next_in_shard)
    session->abort_if([this](const Request& request) { return concerns(owner_, request.itl); },
                      AbortReport::at_once);
  owner_.home_.post(aborted_mail_);
}

void RemovalPart::visited_all() {
  --mails_;
  ended_ = true;
  owner_.part_returned();
}

void RemovalPart::aborted_all() {
  --mails_;
  aborted_ = true;
  owner_.part_returned();
}

}  // namespace srpd::target
