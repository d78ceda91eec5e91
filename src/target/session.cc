#include "target/session.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/log.h"
#include "target/task_management.h"

namespace srpd::target {
namespace {

// Descriptor tables of one session fetched or held at the same time: what a host with many external
// tables can cost is bounded, and only its own commands wait.
constexpr std::uint32_t max_tables = 32;

// Enough for a host to send a command and a task management function.
constexpr std::uint32_t min_credits = 4;

const char* text(transport::CloseReason::Kind kind) {
  switch (kind) {
    case transport::CloseReason::Kind::peer_closed:
      return "the host closed the connection";
    case transport::CloseReason::Kind::peer_reset:
      return "the connection was lost";
    case transport::CloseReason::Kind::peer_terminate:
      return "the host reported an error";
    case transport::CloseReason::Kind::protocol_error:
      return "the host broke the transport protocol";
    case transport::CloseReason::Kind::local:
      return "closed by the target";
  }
  return "closed";
}

// What to do about it; null where nothing is wrong.
const char* remedy(transport::CloseReason::Kind kind) {
  switch (kind) {
    case transport::CloseReason::Kind::peer_reset:
      return "check the host and the network to it";
    case transport::CloseReason::Kind::peer_terminate:
      return "look in the host's log for what it refused";
    case transport::CloseReason::Kind::protocol_error:
      return "check the host's RDMA driver or adapter";
    default:
      return nullptr;
  }
}

const char* text(Session::End how) {
  switch (how) {
    case Session::End::multi_channel:
      return "multi-channel action";
    case Session::End::shutdown:
      return "the target shuts down";
    case Session::End::port_disabled:
      return "the target port was disabled";
    case Session::End::port_removed:
      return "the target port was removed";
    case Session::End::acl_removed:
      return "its ACL was removed";
    case Session::End::port_closed:
      return "the target port is no longer open to hosts without an ACL";
    case Session::End::administrator:
      return "ended by the administrator";
  }
  return "ended";
}

constexpr const char* check_initiator = "check the host's SRP initiator";

}  // namespace

Session::Session(Shard& shard, runtime::Loop& home, SessionOwner& owner, SessionSetup setup)
    : shard_(shard),
      home_(home),
      owner_(owner),
      setup_(std::move(setup)),
      credits_(setup_.credits),
      wanted_(setup_.credits) {}

Session::~Session() { CHECK(first_ == nullptr && channel_ == nullptr); }

// Beginning

void Session::on_channel(std::unique_ptr<transport::Channel> channel) {
  channel_ = std::move(channel);
  shard_.add(*this);
  shard_.credits_changed(credits_.limit());
  channel_->start(*this);
  if (end_waits_) end_as_requested();
}

void Session::on_lost(const transport::CloseReason& reason) {
  log::warning("{} at {}: lost before the login was through: {}", setup_.initiator, setup_.peer,
               reason.text.empty() ? text(reason.kind) : reason.text);
  ending_ = true;
  close();
}

// Receiving

void Session::on_iu(transport::Iu& iu) {
  if (ending_ || finishing_) return channel_->release(iu);
  const auto opcode = srp::opcode_of(iu.bytes());
  if (opcode == srp::Opcode::cmd) return on_cmd(iu);
  if (opcode == srp::Opcode::tsk_mgmt) {
    on_tsk_mgmt(iu);
  } else if (opcode == srp::Opcode::cred_rsp || opcode == srp::Opcode::aer_rsp) {
    on_answer(iu, *opcode);
  } else if (opcode == srp::Opcode::i_logout) {
    log::info("{} at {}: logged out", setup_.initiator, setup_.peer);
    stop("SRP_I_LOGOUT", std::nullopt, true);
  } else if (!opcode) {
    break_off(srp::LogoutReason::invalid_iu_length, "an empty IU");
  } else {
    break_off(srp::LogoutReason::invalid_iu_type,
              fmt::format("an IU of unknown type {:#04x}", static_cast<unsigned>(*opcode)));
  }
  channel_->release(iu);
}

void Session::on_cmd(transport::Iu& iu) {
  if (!take_credit()) return channel_->release(iu);
  ++commands_;
  Request& request = make_request(iu);
  if (request.start(setup_.immediate_offset)) return;
  discard(request);
  break_off(srp::LogoutReason::invalid_iu_length, "an SRP_CMD shorter than its fixed part");
}

void Session::on_tsk_mgmt(transport::Iu& iu) {
  const auto request = srp::parse_tsk_mgmt(iu.bytes());
  if (!request)
    return break_off(srp::LogoutReason::invalid_iu_length, "an SRP_TSK_MGMT that is too short");
  if (take_credit()) TaskManagement::start(*this, *request);
}

void Session::on_answer(transport::Iu& iu, srp::Opcode opcode) {
  const auto tag = srp::parse_short(iu.bytes());
  if (!tag) return break_off(srp::LogoutReason::invalid_iu_length, "a response that is too short");
  if (!request_unanswered_ || awaited_ != opcode || wire::srp::to_integer(*tag) != awaited_tag_)
    return break_off(srp::LogoutReason::response_without_request,
                     "SRP_CRED_RSP or SRP_AER_RSP without a request");
  request_unanswered_ = false;
  send_stranded_credits();
}

// An answer gives its credit back when the channel has it, not when it has left. A host that sends
// on without taking answers is noticed by their number: one that takes them never has more under
// way than credits, and as many again whose completion the channel has not reported.
bool Session::take_credit() {
  const std::uint32_t most = 2 * setup_.max_credits;
  if (gate_.holders() >= most) {
    break_off(srp::LogoutReason::unspecified,
              fmt::format("it sends requests but takes no answers, {} wait", gate_.holders()));
    return false;
  }
  if (credits_.consume()) return true;
  break_off(srp::LogoutReason::unspecified,
            fmt::format("more requests than its {} credits allow", credits_.limit()));
  return false;
}

// Credits

// A host that uses all it has gets more, as long as the loop's budget lasts; beyond the budget who
// has more than its share gives back.
std::uint32_t Session::wanted_limit() {
  if (shard_.over_budget()) {
    wanted_ = std::min(wanted_, std::max(shard_.fair_share(), min_credits));
  } else if (credits_.scarce() && wanted_ < setup_.max_credits &&
             shard_.may_grow(credits_.limit())) {
    wanted_ = std::min(setup_.max_credits, 2 * std::max(wanted_, credits_.limit()));
  }
  return wanted_;
}

std::int32_t Session::credit_for_answer() {
  const std::int64_t before = credits_.limit();
  const std::int32_t delta = credits_.answer(wanted_limit());
  shard_.credits_changed(credits_.limit() - before);
  return delta;
}

bool Session::may_send_request() const {
  return !request_unanswered_ && !request_posted_ && !ending_ && !finishing_ && channel_ != nullptr;
}

void Session::send_stranded_credits() {
  if (!credits_.stranded() || !may_send_request()) return;
  const std::int64_t before = credits_.limit();
  const std::int32_t delta = credits_.give(wanted_limit());
  shard_.credits_changed(credits_.limit() - before);
  if (delta == 0) return;
  const bool solicited = (setup_.login_flags & wire::srp::cred_req_solnt) != 0;
  const auto iu = srp::build_cred_req({wire::srp::to_tag(++awaited_tag_), delta, solicited});
  std::memcpy(request_iu_.data(), &iu, sizeof iu);
  send_request(sizeof iu, solicited, srp::Opcode::cred_rsp);
}

void Session::send_event(std::uint64_t lun, const scsi::Sense& sense) {
  if (!may_send_request()) return;
  std::array<std::byte, scsi::max_sense_length> encoded;
  srp::AsyncEvent event;
  event.tag = wire::srp::to_tag(++awaited_tag_);
  event.solicited = (setup_.login_flags & wire::srp::aer_req_solnt) != 0;
  event.lun = lun;
  const std::size_t room = setup_.max_target_iu - sizeof(wire::srp::AerReq);
  event.sense = std::span(encoded).first(std::min(scsi::encode_sense(sense, false, encoded), room));
  send_request(srp::build_aer_req(event, request_iu_), event.solicited, srp::Opcode::aer_rsp);
}

void Session::send_request(std::size_t size, bool solicited, srp::Opcode awaited) {
  request_unanswered_ = request_posted_ = true;
  awaited_ = awaited;
  request_work_.reset();
  request_work_.iu = std::span(request_iu_).first(size);
  request_work_.solicited = solicited;
  channel_->send(request_work_);
}

void Session::request_iu_sent(int) {
  request_posted_ = false;
  send_stranded_credits();
}

// Requests

Request& Session::make_request(transport::Iu& iu) {
  CHECK(gate_.enter());
  auto& request = *new (shard_.requests().take()) Request(*this, iu);
  request.previous_of_session = last_;
  (last_ == nullptr ? first_ : last_->next_of_session) = &request;
  last_ = &request;
  ++request_count_;
  return request;
}

void Session::end(Request& request) {
  if (request.submitted()) task_set_.finish(request);
  if (shard_.has_watchers()) shard_.ended(request);
  discard(request);
}

void Session::discard(Request& request) {
  Request* const previous = request.previous_of_session;
  Request* const next = request.next_of_session;
  (previous == nullptr ? first_ : previous->next_of_session) = next;
  (next == nullptr ? last_ : next->previous_of_session) = previous;
  --request_count_;
  request.~Request();
  shard_.requests().give(&request);
  if (finishing_ && request_count_ == 0) drained_enough();
  gate_.leave();
}

void Session::request_table(Request& request) {
  if (tables_out_ < max_tables) {
    ++tables_out_;
    return request.table_granted();
  }
  *waiting_end_ = &request;
  waiting_end_ = &request.next_waiting;
}

void Session::forget_table_request(Request& request) {
  for (Request** at = &first_waiting_; *at != nullptr; at = &(*at)->next_waiting) {
    if (*at != &request) continue;
    if (waiting_end_ == &request.next_waiting) waiting_end_ = at;
    *at = request.next_waiting;
    request.next_waiting = nullptr;
    return;
  }
}

void Session::table_returned() {
  --tables_out_;
  if (first_waiting_ == nullptr || ending_) return;
  Request& request = *first_waiting_;
  forget_table_request(request);
  ++tables_out_;
  request.table_granted();
}

// The store may keep aborted commands for as long as it likes, but not any number of them.
void Session::after_aborts() {
  if (ending_) return;
  std::uint32_t held = 0;
  for_each([&](const Request& request) { held += request.aborted && request.held(); });
  if (held > shard_.options().max_held_commands) return give_up(held);
  send_stranded_credits();
}

void Session::count_bad_iu(srp::CmdFault fault) {
  if (bad_ius_++ == 0)
    log::warning("{} at {}: bad SRP_CMD: {}; {} (further ones are only counted)", setup_.initiator,
                 setup_.peer, srp::text(fault), check_initiator);
}

SessionInfo Session::info() const {
  return {.id = setup_.id,
          .peer = setup_.peer,
          .initiator = setup_.initiator,
          .initiator_id = setup_.initiator_id,
          .port = setup_.port,
          .port_handle = {},
          .acl = {},
          .transport = setup_.transport,
          .channel = channel_ == nullptr ? std::string() : channel_->description(),
          .commands = commands_,
          .read_bytes = read_bytes_,
          .written_bytes = written_bytes_,
          .bad_ius = bad_ius_,
          .credits = credits_.limit(),
          .queue_depth = request_count_,
          .latencies = latencies_,
          .since = setup_.since};
}

// Ending

void Session::request_end(End how) {
  if (end_requested_) return;
  end_requested_ = true;
  end_how_.store(how, std::memory_order_relaxed);
  shard_.loop().post(end_mail_);
}

void Session::end_as_requested() {
  if (ending_) return;
  if (channel_ == nullptr) {
    end_waits_ = true;
    return;
  }
  if (end_how_.load(std::memory_order_relaxed) == End::multi_channel) {
    // With commands under way nothing may leave any more, not even the goodbye behind their data.
    const bool idle = request_count_ == 0;
    log::info("{} at {}: ended by a new login of the same nexus", setup_.initiator, setup_.peer);
    return stop(text(End::multi_channel),
                idle ? std::optional(srp::LogoutReason::multi_channel_action) : std::nullopt, idle);
  }
  finishing_ = true;
  if (request_count_ == 0) return drained_enough();
  shard_.loop().start_timer(drain_timer_, shard_.loop().now() + shard_.options().abort_deadline);
}

void Session::drained_enough() {
  const End how = end_how_.load(std::memory_order_relaxed);
  if (how != End::shutdown)
    log::info("{} at {}: session ended: {}", setup_.initiator, setup_.peer, text(how));
  stop(text(how), srp::LogoutReason::unspecified, true);
}

void Session::break_off(srp::LogoutReason reason, const std::string& why) {
  if (ending_) return;
  log::warning("{} at {}: protocol error, disconnected: {}; {}", setup_.initiator, setup_.peer, why,
               check_initiator);
  stop(why, reason, true);
}

void Session::give_up(std::uint32_t held) {
  log::warning(
      "{} at {}: disconnected: {} aborted commands are still held by the store; check the disk "
      "behind it",
      setup_.initiator, setup_.peer, held);
  stop("aborted commands are held by the store", srp::LogoutReason::unspecified, true);
}

void Session::stop(std::string_view why, std::optional<srp::LogoutReason> goodbye, bool graceful) {
  if (ending_) return;
  ending_ = true;
  shard_.loop().cancel_timer(drain_timer_);
  if (goodbye) {
    const bool solicited = (setup_.login_flags & wire::srp::logout_solnt) != 0;
    logout_iu_ = srp::build_t_logout(*goodbye, solicited, {});
    logout_work_.iu = wire::bytes_of(logout_iu_);
    logout_work_.solicited = solicited;
    channel_->send(logout_work_);
  }
  abort_everything();
  channel_->disconnect(why, graceful);
}

void Session::logout_sent(int) {}

void Session::abort_everything() {
  abort_if([](const Request&) { return true; }, AbortReport::none);
}

void Session::log_end(const transport::CloseReason& reason) const {
  std::string line =
      fmt::format("{} at {}: session ended: {}", setup_.initiator, setup_.peer, text(reason.kind));
  if (!reason.text.empty()) line += ": " + reason.text;
  const char* const what_to_do = remedy(reason.kind);
  if (what_to_do == nullptr) return log::info("{}", line);
  log::warning("{}; {}", line, what_to_do);
}

void Session::on_closed(const transport::CloseReason& reason) {
  if (!ending_) {
    ending_ = true;
    shard_.loop().cancel_timer(drain_timer_);
    log_end(reason);
    abort_everything();
  }
  close();
}

void Session::close() {
  closed_ = true;
  home_.post(closed_mail_);
  gate_.close(
      [](void* self) {
        auto& session = *static_cast<Session*>(self);
        session.shard_.loop().defer(session.finish_);
      },
      this);
}

// The channel goes last: requests held by the store until now may have had their data in its
// receive buffers.
void Session::finish() {
  if (channel_ != nullptr) {
    shard_.credits_changed(-std::int64_t{credits_.limit()});
    shard_.remove(*this);
    channel_.reset();
  }
  home_.post(gone_mail_);
}

void Session::mail_closed() { owner_.on_session_closed(*this); }

// Mails to the shard's loop may still be under way; one behind them tells when they have arrived.
void Session::mail_gone() {
  end_requested_ = true;
  shard_.loop().post(barrier_mail_);
}
void Session::mail_barrier() { home_.post(barrier_back_mail_); }
void Session::mail_barrier_back() { owner_.on_session_gone(*this); }

}  // namespace srpd::target
