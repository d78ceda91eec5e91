// Who is logged in: decides about connection requests (SRP r16a 5.4), keeps nexuses and sessions,
// spreads the channels over the loops, and ends sessions. Everything here runs on loops[0].
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "scsi/nexus.h"
#include "srp/login.h"
#include "target/bound.h"
#include "target/exports.h"
#include "target/refusals.h"
#include "target/session.h"
#include "target/shard.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::target {

class Logins final : public transport::Listener::Handler, private SessionOwner {
 public:
  Logins(runtime::Loop& home, const TargetOptions& options, const Shards& shards, Ports& ports);
  ~Logins();
  Logins(const Logins&) = delete;
  Logins& operator=(const Logins&) = delete;

  void on_request(std::unique_ptr<transport::ConnectRequest> request) override;
  /// No login any more; `done` when the last session is gone, possibly at once.
  void shut_down(std::function<void()> done);

  /// Ends the sessions of every nexus that `chosen` says, and the logins that wait for one (refused
  /// for `fault`). Later logins find a nexus of their own. `done` when they have closed, possibly
  /// at once.
  void close(const std::function<bool(const Nexus&)>& chosen, srp::LoginFault fault,
             Session::End how, std::function<void()> done);
  /// False: there is no such session.
  bool close(std::uint64_t session, std::function<void()> done);
  /// Fills in what the home loop knows of a session: its ACL and port.
  void say_where(SessionInfo& session) const;

  /// Any thread.
  const Refusals& refusals() const { return refusals_; }

 private:
  using Key = Nexus::Key;
  using Access = Ports::Access;

  struct Entry {
    std::unique_ptr<Session> session;
    Nexus* nexus = nullptr;
    std::size_t shard = 0;
    bool ending = false;
    bool closed = false;
  };

  /// Sessions that somebody waits for.
  struct Closing {
    std::set<std::uint64_t> sessions;
    std::function<void()> done;
  };

  /// A login that may begin.
  struct Candidate {
    std::unique_ptr<transport::ConnectRequest> request;
    srp::LoginRequest login;
    Nexus* nexus = nullptr;
    std::uint8_t channels = 0;  ///< multi-channel result
  };

  /// A login that waits for the other channels of its nexus to close.
  struct Waiting {
    Waiting(Logins& logins, Candidate waiting) : owner(logins), candidate(std::move(waiting)) {}
    void expired() { owner.admit_waiting(*this); }

    Logins& owner;
    Candidate candidate;
    std::vector<const Session*> others;
    Bound<runtime::Timer, Waiting, &Waiting::expired> timer{*this};
  };

  std::optional<srp::LoginRequest> parse(const transport::ConnectRequest& request) const;
  srp::LoginFault check(const transport::ConnectRequest& request, const srp::LoginRequest& login,
                        Access& access) const;
  srp::LoginFault check_limits(const Key& key, bool single) const;
  void begin(std::unique_ptr<transport::ConnectRequest> request, const srp::LoginRequest& login,
             const Access& access);
  Nexus& make_nexus(const Key& key, const std::string& host, const Access& access);
  std::vector<const Session*> end_others(const Key& key);
  void admit_waiting(Waiting& waiting);
  void withdraw_waiting(const std::function<bool(const Nexus&)>& chosen, srp::LoginFault fault);
  void end(const std::set<std::uint64_t>& sessions, Session::End how, std::function<void()> done);
  void admit(Candidate candidate);
  std::size_t choose_shard(const Nexus& nexus) const;
  void leave(Nexus& nexus);
  bool may_log_refusal();
  std::string remedy(srp::LoginFault fault, const transport::ConnectRequest& request,
                     const srp::LoginRequest& login) const;
  void refuse(transport::ConnectRequest& request, const srp::LoginRequest& login,
              srp::LoginFault fault);

  void on_session_closed(Session& session) override;
  void on_session_gone(Session& session) override;

  static Key key_of(const transport::ConnectRequest& request, const srp::LoginRequest& login);

  runtime::Loop& home_;
  const TargetOptions& options_;
  const srp::LoginPolicy policy_;
  const Shards& shards_;
  Ports& ports_;
  std::map<Key, Nexus*> current_;  ///< joined by the next channel with action multi
  std::unordered_map<Nexus*, std::unique_ptr<Nexus>> nexuses_;
  std::map<std::uint64_t, Entry> sessions_;  ///< by id, which is the order of the logins
  std::uint64_t last_session_ = 0;
  std::list<Closing> closings_;
  std::unordered_map<Waiting*, std::unique_ptr<Waiting>> waiting_;
  std::function<void()> shut_down_done_;
  bool shutting_down_ = false;

  runtime::Time log_second_{};  ///< began then, with so many refusals in the log
  std::uint32_t logged_ = 0;
  std::uint64_t not_logged_ = 0;

  Refusals refusals_;
};

}  // namespace srpd::target
