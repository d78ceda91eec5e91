// A session: one channel of an I_T nexus after login. It receives IUs, keeps the credits and the
// requests, and ends in bounded steps: first nothing moves any more, then the channel closes, then
// the store lets go of the last command, then it is gone.
//
// Lives on the loop of its shard. What the login side uses on loops[0] says so.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/gate.h"
#include "scsi/nexus.h"
#include "scsi/task_set.h"
#include "srp/iu.h"
#include "srp/login.h"
#include "target/bound.h"
#include "target/credits.h"
#include "target/request.h"
#include "target/shard.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::target {

class Session;

/// The login side. On loops[0].
class SessionOwner {
 public:
  /// The channel is closed: nothing of this session reaches the host any more.
  virtual void on_session_closed(Session& session) = 0;
  /// Nothing is left of it; the owner destroys it.
  virtual void on_session_gone(Session& session) = 0;

 protected:
  ~SessionOwner() = default;
};

struct SessionSetup {
  std::uint64_t id = 0;
  std::string peer, initiator, initiator_id, port, transport;
  runtime::Time since{};               ///< loops[0]'s
  scsi::ItNexus* nexus = nullptr;      ///< outlives the session
  std::uint32_t immediate_offset = 0;  ///< 0: not agreed on
  std::uint8_t login_flags = 0;        ///< which solicited notifications the host wants
  std::uint32_t credits = 0;           ///< announced
  std::uint32_t max_credits = 0;
  std::uint32_t max_target_iu = srp::max_target_iu;  ///< longest IU to the host
};

class Session final : public transport::ConnectRequest::Established,
                      public transport::Channel::Handler {
 public:
  /// All but the first finish what runs, say goodbye, close.
  enum class End : std::uint8_t {
    multi_channel,  ///< another login of the nexus wants no other channel
    shutdown,
    port_disabled,
    port_removed,
    acl_removed,
    port_closed,    ///< an open port is no more
    administrator,  ///< somebody asked for this one
  };

  Session(Shard& shard, runtime::Loop& home, SessionOwner& owner, SessionSetup setup);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const SessionSetup& setup() const { return setup_; }
  Shard& shard() const { return shard_; }

  /// On loops[0]. Repeating it does nothing.
  void request_end(End how);

  // transport::ConnectRequest::Established
  void on_channel(std::unique_ptr<transport::Channel> channel) override;
  void on_lost(const transport::CloseReason& reason) override;
  // transport::Channel::Handler
  void on_iu(transport::Iu& iu) override;
  void on_closed(const transport::CloseReason& reason) override;

  // For requests and task management.
  transport::Channel& channel() { return *channel_; }
  scsi::ItNexus& nexus() const { return *setup_.nexus; }
  scsi::TaskSet& task_set() { return task_set_; }
  bool ending() const { return ending_; }
  Gate& gate() { return gate_; }
  std::int32_t credit_for_answer();
  void carry_credit() { credits_.carry(); }
  void count_bad_iu(srp::CmdFault fault);
  void end(Request& request);

  /// A descriptor table for `request`, now or when another one of this session was returned.
  void request_table(Request& request);
  void forget_table_request(Request& request);
  void table_returned();

  /// Aborts what `matches(const Request&)` says and is not answered yet.
  template <class Predicate>
  void abort_if(Predicate matches, AbortReport report) {
    for (Request* request = first_; request != nullptr; request = request->next_of_session)
      if (!request->answered() && matches(*request)) request->prepare_abort(report);
    const auto chosen = [&](const scsi::Command& command) {
      const auto& request = static_cast<const Request&>(command);
      return !request.answered() && matches(request);
    };
    task_set_.abort_if(chosen);
    for (Request* request = first_; request != nullptr; request = request->next_of_session)
      if (!request->answered() && matches(*request)) request->after_abort();
    after_aborts();
  }
  template <class Visitor>
  void for_each(Visitor visit) {
    for (Request* request = first_; request != nullptr; request = request->next_of_session)
      visit(*request);
  }

  /// SRP_AER_REQ, unless an SRP_CRED_REQ or SRP_AER_REQ is unanswered or the session ends: the unit
  /// attention condition carries the news anyway.
  void send_event(std::uint64_t lun, const scsi::Sense& sense);

  /// Counts what an answered request has moved.
  void count_moved(std::uint64_t out, std::uint64_t in) {
    written_bytes_ += out;
    read_bytes_ += in;
  }
  Latencies& latencies() { return latencies_; }
  SessionInfo info() const;
  const Credits& credits() const { return credits_; }

  Session* previous_in_shard = nullptr;
  Session* next_in_shard = nullptr;

 private:
  void on_cmd(transport::Iu& iu);
  void on_tsk_mgmt(transport::Iu& iu);
  void on_answer(transport::Iu& iu, srp::Opcode awaited);
  bool take_credit();

  Request& make_request(transport::Iu& iu);
  void discard(Request& request);
  void after_aborts();
  std::uint32_t wanted_limit();
  void send_stranded_credits();
  bool may_send_request() const;
  void send_request(std::size_t size, bool solicited, srp::Opcode awaited);
  void request_iu_sent(int result);

  void log_end(const transport::CloseReason& reason) const;
  void break_off(srp::LogoutReason reason, const std::string& why);
  void give_up(std::uint32_t held);
  void stop(std::string_view why, std::optional<srp::LogoutReason> goodbye, bool graceful);
  void abort_everything();
  void end_as_requested();
  void drained_enough();
  void logout_sent(int result);
  void finish();

  void close();
  void mail_closed();
  void mail_gone();
  void mail_barrier();
  void mail_barrier_back();

  Shard& shard_;
  runtime::Loop& home_;  ///< loops[0]
  SessionOwner& owner_;
  const SessionSetup setup_;
  std::unique_ptr<transport::Channel> channel_;
  scsi::TaskSet task_set_;
  Credits credits_;
  Gate gate_;
  Request* first_ = nullptr;
  Request* last_ = nullptr;
  std::uint32_t request_count_ = 0;

  std::uint32_t tables_out_ = 0;
  Request* first_waiting_ = nullptr;
  Request** waiting_end_ = &first_waiting_;

  bool ending_ = false;         ///< nothing moves any more
  bool finishing_ = false;      ///< shutdown: new IUs are not taken
  bool end_waits_ = false;      ///< an end was requested before the channel came up
  bool closed_ = false;         ///< on_closed came
  bool end_requested_ = false;  ///< loops[0]
  std::atomic<End> end_how_{End::shutdown};
  std::uint32_t wanted_ = 0;
  std::uint64_t commands_ = 0;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t bad_ius_ = 0;
  Latencies latencies_;

  /// SRP_CRED_REQ or SRP_AER_REQ under way and not answered: at most one of both together.
  bool request_unanswered_ = false;
  bool request_posted_ = false;
  srp::Opcode awaited_{};
  std::uint64_t awaited_tag_ = 0;
  BoundWork<transport::SendWork, Session, &Session::request_iu_sent> request_work_{*this};
  std::array<std::byte, sizeof(wire::srp::AerReq) + scsi::max_sense_length> request_iu_;
  BoundWork<transport::SendWork, Session, &Session::logout_sent> logout_work_{*this};
  wire::srp::TLogout logout_iu_;

  Bound<runtime::Timer, Session, &Session::drained_enough> drain_timer_{*this};
  Bound<runtime::Deferred, Session, &Session::finish> finish_{*this};
  Bound<runtime::Mail, Session, &Session::end_as_requested> end_mail_{*this};
  Bound<runtime::Mail, Session, &Session::mail_closed> closed_mail_{*this};
  Bound<runtime::Mail, Session, &Session::mail_gone> gone_mail_{*this};
  Bound<runtime::Mail, Session, &Session::mail_barrier> barrier_mail_{*this};
  Bound<runtime::Mail, Session, &Session::mail_barrier_back> barrier_back_mail_{*this};
};

}  // namespace srpd::target
