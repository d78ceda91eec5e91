#include "target/preemption.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "scsi/lu.h"
#include "target/request.h"
#include "target/session.h"
#include "target/target.h"

namespace srpd::target {

// One loop

void PreemptionPart::begin() {
  if (&shard_ == &owner_.home_)
    visit();
  else
    shard_.loop().post(there_);
}

bool PreemptionPart::concerns(const Request& request) const {
  return &request != &owner_.by_ && request.itl != nullptr && request.itl->lu == owner_.lu_.get() &&
         request.itl->preemption.load(std::memory_order_relaxed) == owner_.number_;
}

// What is marked later by another preemption is not looked for again: the requests themselves are
// remembered.
void PreemptionPart::visit() {
  const auto report =
      owner_.lu_->attributes().emulate_tas ? AbortReport::at_the_end : AbortReport::none;
  for (Session* session = shard_.first_session(); session != nullptr;
       session = session->next_in_shard) {
    session->abort_if([this](const Request& request) { return concerns(request); }, report);
    session->for_each([this](const Request& request) {
      if (concerns(request)) waiting_.push_back(&request);
    });
  }
  if (waiting_.empty()) return report_back();
  shard_.add_watcher(*this);
}

void PreemptionPart::ended(const Request& request) {
  if (std::erase(waiting_, &request) == 0 || !waiting_.empty()) return;
  shard_.remove_watcher(*this);
  report_back();
}

void PreemptionPart::report_back() {
  if (&shard_ == &owner_.home_)
    back_home();
  else
    owner_.home_.loop().post(back_);
}

void PreemptionPart::back_home() { owner_.part_ended(); }

// All of it

void Preemption::start(Request& by, std::uint32_t number, runtime::Completion& done) {
  // Ends by itself.
  (new Preemption(by, number, done))->begin();
}

Preemption::Preemption(Request& by, std::uint32_t number, runtime::Completion& done)
    : session_(by.session()),
      home_(session_.shard()),
      by_(by),
      lu_(by.itl->counters->lu()),
      number_(number),
      done_(&done),
      holds_session_(session_.gate().enter()) {}

void Preemption::begin() {
  for (const auto& shard : home_.all())
    parts_.push_back(std::make_unique<PreemptionPart>(*this, *shard));
  under_way_ = parts_.size();
  // A session that ends waits for the command, so that the command has to wait for everything.
  if (holds_session_)
    home_.loop().start_timer(deadline_, home_.loop().now() + home_.options().abort_deadline);
  // The last one to begin may end all and with it this object.
  const std::size_t count = parts_.size();
  for (std::size_t i = 0; i < count; ++i) parts_[i]->begin();
}

// Stores have not let go of some command: its buffers stay with it, and nothing moves to or from
// the memory of its host.
void Preemption::deadline() {
  log::warning("{}: PREEMPT AND ABORT of {} answered while the store still works",
               lu_->identity().name, session_.setup().initiator);
  answer();
}

void Preemption::answer() {
  if (done_ != nullptr) std::exchange(done_, nullptr)->complete(0);
}

void Preemption::part_ended() {
  if (--under_way_ != 0) return;
  home_.loop().cancel_timer(deadline_);
  Gate* const gate = holds_session_ ? &session_.gate() : nullptr;
  runtime::Completion* const done = done_;
  delete this;
  if (done != nullptr) done->complete(0);
  if (gate != nullptr) gate->leave();
}

}  // namespace srpd::target
