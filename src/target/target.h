// The SRP target engine: takes connection requests from listeners, decides about logins, spreads
// sessions over the loops and answers every IU exactly once. Administration drives it while it
// serves: see "The live interface" below.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/latency.h"
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

/// A port that was added; never used again.
enum class PortHandle : std::uint32_t {};

struct SessionInfo {
  std::uint64_t id = 0;      ///< never used again; for close_session()
  std::string peer;          ///< address and port
  std::string initiator;     ///< its ACL, else its port identifier or address
  std::string initiator_id;  ///< port identifier, 0x and 32 hex digits
  std::string port;          ///< target port's name
  PortHandle port_handle{};  ///< 0: that was removed
  std::string acl;           ///< empty: an open port, or an ACL that was removed
  std::string transport;     ///< "iwarp", "verbs", "local"
  std::string channel;       ///< more about it; empty until the connection is up
  std::uint64_t commands = 0;
  std::uint64_t read_bytes = 0;     ///< to the host, of every command
  std::uint64_t written_bytes = 0;  ///< from the host
  std::uint64_t bad_ius = 0;        ///< commands with an IU that was refused
  std::uint32_t credits = 0;        ///< the most commands the host may have under way
  std::uint32_t queue_depth = 0;    ///< how many it has
  Latencies latencies;              ///< of the commands that have ended
  runtime::Time since{};            ///< loops[0]'s time of the login
};

/// What one initiator did at one LUN of a port, to be added up by whoever asked.
struct IoRow {
  std::string port;  ///< target port's name
  std::uint32_t lun = 0;
  std::string unit;       ///< what the LUN shows
  std::string initiator;  ///< as SessionInfo has it
  std::shared_ptr<const scsi::IoCells> cells;
};

/// What discovery tells hosts about a port.
struct PortInfo {
  PortHandle handle{};
  scsi::TargetPort scsi;
  bool enabled = false;
  PortLimits limits;
};

// The live interface
//
// Ports, LUNs, ACLs and mapped LUNs come and go while hosts work. What an operation changes holds
// for the next command of every session. Commands on other LUNs are not disturbed. Operations look
// things up by hash, so that they cost microseconds whatever else is there; what they cost with the
// sessions concerned is one unit attention for each of their LUNs, once per loop iteration.
//
// Names. A port is its handle, a LUN its number at the port, an ACL the text it was added with
// (two spellings of an initiator are two ACLs; the one added first is used), a mapped LUN the
// number under which the ACL shows it. An operation on a name that is not there, or is there
// already, is an Error and changes nothing.
//
// Units. A port shares a unit with whoever made it. After the `done` of the last removal no command
// of the target refers to the unit, and when its owner lets go of it, it and its store are
// destroyed, on loops[0]. The exception says `held`: a store that has not answered by the abort
// deadline, or a host that does not take its answer. Those commands were answered or their session
// ends, nothing new begins at the store, and the target keeps its share until the store lets go: a
// std::weak_ptr tells when.
//
// Completion. `done` may be empty. It comes once, on loops[0], possibly before the call returns,
// and within seconds whatever stores and hosts do. From inside it everything may be called but the
// destructor of the target.
//
// Hosts are told: unit attention REPORTED LUNS DATA HAS CHANGED on the other LUNs of a nexus whose
// LUNs have changed, MODE PARAMETERS CHANGED on one whose write protection has; a LUN that comes
// (again) is a new I_T_L nexus and begins with the one of power on, those that stay keep theirs.
// Attributes of units: scsi::Lu::change_attributes().
class Target {
 public:
  using Done = std::function<void()>;
  using Removed = std::function<void(bool held)>;

  /// `loops[0]` is the home of logins; sessions spread over all. All loops outlive the target.
  Target(std::vector<runtime::Loop*> loops, const TargetOptions& options);
  /// After shutdown(), or before the first login.
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // All on loops[0].

  /// Connections arriving at `address` may log in to the ports of this target. Returns the bound
  /// address.
  Expected<transport::Address> listen(transport::Transport& transport,
                                      const transport::Address& address);
  /// The bound address of a listener, which is closed; sessions that came by it stay.
  void stop_listening(const transport::Address& address);
  /// Says goodbye to every session (SRP_T_LOGOUT, disconnect), closes listeners; `done` when the
  /// last session is gone, and with it what stores held: unbounded where a store is stuck.
  void shutdown(Done done);

  // Ports

  /// The identifier is not in use, or shared. All of the description or nothing.
  Expected<PortHandle> add_port(const PortDescription& description);
  /// Ends its sessions, then takes its LUNs and ACLs away.
  Expected<void> remove_port(PortHandle port, Removed done);
  Expected<void> enable_port(PortHandle port);
  /// Logins are refused from now on; `done` when its sessions have closed.
  Expected<void> disable_port(PortHandle port, Done done);
  /// An open port shows every LUN to hosts without an ACL. Closing it ends their sessions.
  Expected<void> set_port_open(PortHandle port, bool open, Done done);
  /// Whether it takes logins that name another port.
  Expected<void> set_any_identifier(PortHandle port, bool any);
  /// Of a port that is disabled: nexuses keep what they logged in to.
  Expected<void> set_relative_port(PortHandle port, std::uint16_t relative_target_port);
  /// For logins from now on.
  Expected<void> set_port_limits(PortHandle port, const PortLimits& limits);
  /// Ends every session of the port; hosts may log in again at once.
  Expected<void> close_sessions(PortHandle port, Done done);
  /// In the order of their adding; of those that share an identifier one, the first that is
  /// enabled.
  std::vector<PortInfo> list_ports() const;
  /// `changed` on loops[0] once for all changes of a loop iteration to what list_ports() says;
  /// empty: nobody watches any more.
  void watch_ports(std::function<void()> changed);

  // LUNs of a port

  Expected<void> add_lun(PortHandle port, const Lun& lun);
  /// From every nexus that sees it and every ACL that maps it. Its commands may finish until the
  /// abort deadline, then they are aborted and answered with TASK ABORTED.
  Expected<void> remove_lun(PortHandle port, std::uint32_t number, Removed done);

  /// In which target port group of the unit the port is, and whether hosts reach the unit by it.
  Expected<void> set_lun_access(PortHandle port, std::uint32_t number,
                                const scsi::PortAccess& access);

  // ACLs of a port

  /// Without LUNs. Sessions of such an initiator that an open port let in go on under the ACL.
  Expected<void> add_acl(PortHandle port, AclKey key);
  /// With its mapped LUNs; `done` when the sessions of its initiator have closed.
  Expected<void> remove_acl(PortHandle port, std::string_view acl, Done done);
  Expected<void> map_lun(PortHandle port, std::string_view acl, const MappedLun& lun);
  /// Its commands: as for remove_lun().
  Expected<void> unmap_lun(PortHandle port, std::string_view acl, std::uint32_t number,
                           Removed done);
  /// Of a mapped LUN.
  Expected<void> set_write_protect(PortHandle port, std::string_view acl, std::uint32_t number,
                                   bool on);

  // What goes on

  /// Since the LUN was added: of all initiators.
  Expected<scsi::IoCount> lun_count(PortHandle port, std::uint32_t number) const;
  /// Since it was mapped. Of a unit: scsi::Lu::io_count().
  Expected<scsi::IoCount> mapped_lun_count(PortHandle port, std::string_view acl,
                                           std::uint32_t number) const;
  /// `report` on loops[0], later; in order of the logins.
  void list_sessions(std::function<void(std::vector<SessionInfo>)> report);
  /// What is counted at each LUN for each initiator that an ACL names or that is logged in.
  /// `report` on loops[0], later.
  void list_io(std::function<void(std::vector<IoRow>)> report);
  /// The host may log in again at once.
  Expected<void> close_session(std::uint64_t id, Done done);
  /// Oldest first. Any thread.
  std::vector<Refusal> refusals() const;
  /// All refused logins since the start, by SRP_LOGIN_REJ reason. Any thread.
  std::map<std::string, std::uint64_t> refusal_counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace srpd::target
