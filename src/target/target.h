// The SRP target engine: takes connection requests from listeners, decides about logins, spreads
// sessions over the loops and answers every IU exactly once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/loop.h"
#include "target/port.h"
#include "transport/transport.h"

namespace srpd::target {

struct TargetOptions {
  std::uint32_t credits = 128;  ///< per channel, at login; grows to max_credits while memory allows
  std::uint32_t max_credits = 512;
  std::uint32_t max_request_iu =
      65536;  ///< longest initiator-to-target IU accepted (srp_max_req_size)
  std::uint32_t max_channels_per_nexus = 64;
  std::uint32_t max_sessions = 4096;
  /// A login that ends the other channels of its nexus waits at most this long for them to close.
  std::chrono::milliseconds login_timeout{1000};
  std::chrono::milliseconds abort_deadline{
      2000};  ///< task management is answered by then, whatever the store does
  /// Credits of all sessions of one loop together: beyond it sessions no longer grow, and those
  /// above their share shrink.
  std::uint32_t credits_per_loop = 32768;
  /// Aborted commands of one session that the store still holds; more end the session.
  std::uint32_t max_held_commands = 128;
  bool immediate_data = true;
  bool send_aer = false;  ///< AER only to peers known to use it
  /// What to do about a host without an ACL, in the words of whoever configures the target;
  /// {address} and {initiator} stand for that host. Empty: SRP's words.
  std::string acl_remedy;
};

/// A login that was refused; the newest are kept for status output.
struct Refusal {
  std::string host, peer, initiator, port, cause, remedy;
  std::uint32_t reason = 0;  ///< SRP_LOGIN_REJ reason code
  std::string reason_name;   ///< the standard's
  runtime::Time last{};      ///< loops[0]'s time of the last one
  std::uint64_t count = 1;   ///< refused for the same cause so often
};

struct SessionInfo {
  std::string peer, initiator, port, channel;
  std::uint64_t commands = 0;
  std::uint32_t credits = 0;
};

class Target {
 public:
  /// `loops[0]` is the home of logins; sessions spread over all. All loops outlive the target.
  Target(std::vector<runtime::Loop*> loops, const TargetOptions& options);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  /// Before listening, on loops[0]. Nothing may still be served when the target is destroyed: after
  /// shutdown(), or before the first login. The units named by the description outlive the target.
  Expected<void> add_port(PortDescription description);
  /// Connections arriving at `address` may log in to the ports of this target. Returns the bound
  /// address.
  Expected<transport::Address> listen(transport::Transport& transport,
                                      const transport::Address& address);

  /// Says goodbye to every session (SRP_T_LOGOUT, disconnect), closes listeners; `done` on loops[0]
  /// when the last session is gone.
  void shutdown(std::function<void()> done);

  /// Oldest first. Any thread.
  std::vector<Refusal> refusals() const;
  /// `report` on loops[0].
  void list_sessions(std::function<void(std::vector<SessionInfo>)> report);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace srpd::target
