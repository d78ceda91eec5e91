#include "target/task_management.h"

#include <algorithm>

#include "base/log.h"
#include "scsi/lu.h"
#include "target/session.h"

namespace srpd::target {
namespace {

// SPC-5 annex F: 29/03 BUS DEVICE RESET FUNCTION OCCURRED.
constexpr scsi::Sense reset_occurred{.key = scsi::SenseKey::unit_attention,
                                     .asc = 0x29,
                                     .ascq = 0x03,
                                     .information = {},
                                     .field = {}};

void tell_by_event(Session& session, const scsi::Lu* lu) {
  // One event at most: the next has to wait for the answer.
  session.nexus().luns().for_each([&](const scsi::ItlNexus& unit) {
    if (unit.lu == lu) session.send_event(unit.lun, reset_occurred);
  });
}

}  // namespace

// One loop

void TaskManagementPart::begin(runtime::Loop& caller) {
  if (&shard_.loop() == &caller)
    visit();
  else
    shard_.loop().post(there_);
}

bool TaskManagementPart::concerns(const Request& request) const {
  return request.sequence() < sequence_ && owner_.matches(request);
}

void TaskManagementPart::visit() {
  sequence_ = shard_.next_sequence();
  if (owner_.scope_ == TaskManagement::Scope::task) {
    abort_in(owner_.session_);
  } else {
    for (Session* session = shard_.first_session(); session != nullptr;
         session = session->next_in_shard)
      abort_in(*session);
  }
  moving_.fetch_sub(1, std::memory_order_release);
  if (remaining_ == 0) return report_back();
  shard_.add_watcher(*this);
}

void TaskManagementPart::abort_in(Session& session) {
  const bool own = &session.nexus() == owner_.nexus_;
  // SAM-5 5.6: with TAS set other nexuses learn of their aborted commands by TASK ABORTED.
  const auto report = !own && owner_.itl_->lu->attributes().emulate_tas ? AbortReport::at_the_end
                                                                        : AbortReport::none;
  session.abort_if([&](const Request& request) { return concerns(request); }, report);
  std::uint32_t moving = 0;
  session.for_each([&](const Request& request) {
    if (!concerns(request)) return;
    ++remaining_;
    moving += own && request.busy();
  });
  moving_.fetch_add(moving, std::memory_order_relaxed);
  if (!own && owner_.scope_ == TaskManagement::Scope::unit && shard_.options().send_aer)
    tell_by_event(session, owner_.itl_->lu);
}

void TaskManagementPart::quiet(const Request& request) {
  if (concerns(request) && owner_.is_own(request)) moving_.fetch_sub(1, std::memory_order_release);
}

void TaskManagementPart::ended(const Request& request) {
  if (!concerns(request) || --remaining_ != 0) return;
  shard_.remove_watcher(*this);
  report_back();
}

void TaskManagementPart::report_back() {
  runtime::Loop& home = owner_.session_.shard().loop();
  if (&home == &shard_.loop())
    back_home();
  else
    home.post(back_);
}

void TaskManagementPart::back_home() { owner_.part_ended(); }

// The function

void TaskManagement::start(Session& session, const srp::TaskManagement& request) {
  CHECK(session.gate().enter());
  // Ends by itself.
  (new TaskManagement(session, request))->run();
}

TaskManagement::TaskManagement(Session& session, const srp::TaskManagement& request)
    : session_(session),
      request_(request),
      nexus_(&session.nexus()),
      itl_(nexus_->luns().find(request.lun)) {
  session.shard().add(*this);
}

TaskManagement::~TaskManagement() {
  Shard& shard = session_.shard();
  shard.remove(*this);
  if (shard.has_watchers()) shard.ended(*this);
}

void TaskManagement::run() {
  switch (request_.function) {
    case srp::TaskFunction::abort_task:
      scope_ = Scope::task;
      break;
    // Each nexus has a task set of its own (TST 001b), so that clearing and aborting it are the
    // same.
    case srp::TaskFunction::abort_task_set:
    case srp::TaskFunction::clear_task_set:
      scope_ = Scope::nexus_unit;
      break;
    case srp::TaskFunction::lun_reset:
      scope_ = Scope::unit;
      break;
    case srp::TaskFunction::clear_aca:  // NACA is not supported
    default:
      return answer(srp::ResponseCode::function_not_supported);
  }
  if (itl_ == nullptr && (scope_ != Scope::task || !has_task()))
    return answer(srp::ResponseCode::request_invalid);
  if (scope_ == Scope::unit) {
    log::warning("{} at {}: reset of LUN {:#018x}", session_.setup().initiator,
                 session_.setup().peer, request_.lun);
    itl_->lu->raise(scsi::UnitAttention::bus_device_reset, itl_);
    itl_->lu->reservations().reset();
  }
  count();
  begin_parts();
}

void TaskManagement::count() const {
  if (itl_ == nullptr) return;
  auto& counts = itl_->lu->task_management;
  if (scope_ == Scope::unit)
    counts.resets.fetch_add(1, std::memory_order_relaxed);
  else if (scope_ == Scope::task)
    (has_task() ? counts.aborts_complete : counts.aborts_no_task)
        .fetch_add(1, std::memory_order_relaxed);
}

void TaskManagement::begin_parts() {
  Shard& own = session_.shard();
  if (scope_ == Scope::task) {
    parts_.push_back(std::make_unique<TaskManagementPart>(*this, own));
  } else {
    for (const auto& shard : own.all())
      parts_.push_back(std::make_unique<TaskManagementPart>(*this, *shard));
  }
  parts_under_way_ = parts_.size();
  own.loop().start_timer(deadline_, own.loop().now() + own.options().abort_deadline);
  // The last one to begin may end all and with it this object.
  const std::size_t count = parts_.size();
  for (std::size_t i = 0; i < count; ++i) parts_[i]->begin(own.loop());
}

// Commands that arrived before the LUN was removed, and perhaps added again, are still the host's
// commands at this LUN: it waits for none of them after the answer.
bool TaskManagement::names_lun_of(const Request& request) const {
  if (request.itl == itl_) return true;
  return is_own(request) && request.itl != nullptr && itl_ != nullptr &&
         request.itl->number == itl_->number;
}

bool TaskManagement::matches(const Request& request) const {
  switch (scope_) {
    case Scope::task:
      return &request.session() == &session_ &&
             request.tag == wire::srp::to_integer(request_.task_tag) &&
             (names_lun_of(request) || request.lun == request_.lun);
    case Scope::nexus_unit:
      return names_lun_of(request);
    case Scope::unit:
      return (request.itl != nullptr && request.itl->lu == itl_->lu) || names_lun_of(request);
  }
  return false;
}

// It may be on its way out, with a LUN that was removed.
bool TaskManagement::has_task() const {
  bool found = false;
  session_.for_each([&](const Request& request) { found |= matches(request); });
  return found;
}

bool TaskManagement::is_own(const Request& request) const { return request.nexus == nexus_; }

void TaskManagement::part_ended() {
  --parts_under_way_;
  if (parts_under_way_ == 0 && !answered_) answer(srp::ResponseCode::no_failure);
  try_end();
}

// The store has not let go of some command: its buffers stay with it, and the host is answered.
void TaskManagement::deadline() {
  const bool moving =
      std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->moving(); });
  log::warning("{} at {}: task management function {:#04x} {}", session_.setup().initiator,
               session_.setup().peer, static_cast<unsigned>(request_.function),
               moving ? "failed: transfers do not end" : "answered while the store still works");
  answer(moving ? srp::ResponseCode::function_failed : srp::ResponseCode::no_failure);
  try_end();
}

void TaskManagement::answer(srp::ResponseCode code) {
  answered_ = true;
  session_.shard().loop().cancel_timer(deadline_);
  if (session_.ending()) return;
  srp::Response response;
  response.tag = request_.tag;
  response.req_lim_delta = session_.credit_for_answer();
  response.code = code;
  const bool good = code == srp::ResponseCode::no_failure;
  response.solicited = (request_.sol_not & (good ? wire::srp::scsolnt : wire::srp::ucsolnt)) != 0;
  work_.iu = std::span(iu_).first(srp::build_rsp(response, iu_));
  work_.solicited = response.solicited;
  posted_ = true;
  session_.channel().send(work_);
}

void TaskManagement::sent(int) {
  posted_ = false;
  try_end();
}

void TaskManagement::try_end() {
  if (!answered_ || posted_ || parts_under_way_ != 0) return;
  Gate& gate = session_.gate();
  delete this;
  gate.leave();
}

}  // namespace srpd::target
