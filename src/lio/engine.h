// What the tree drives: the running target as the tree sees it. The daemon implements it over its
// stores and the SRP target; tests record the calls.
//
// Three kinds of calls, from any thread and from several at once:
// - Operations come with the tree unlocked and may wait. Those on one device, port, tpg, LUN, ACL,
//   or mapped LUN never overlap, nor does its removal with one on a part of it. What links two
//   objects (add_lun, map_lun and their opposites) is an operation on both. A refusal leaves the
//   tree as it was.
// - Announcements come with the tree locked, in the order of what they announce: they must neither
//   wait nor call the tree. One about something that has just gone is ignored.
// - Questions come with the tree locked too.
// Objects are named by numbers and texts that are not used again while they exist.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lio/device_spec.h"
#include "tree/failure.h"

namespace srpd::lio {

using tree::Result;

/// Of one configured device, from its mkdir on; never used again.
enum class DeviceId : std::uint64_t {};
/// Of one tpg; never used again.
enum class TpgId : std::uint64_t {};

/// What the SRP target of a port is configured to. A port is one target port of SRP; LIO lets it
/// have several tpgs, each with LUNs and ACLs of its own.
struct PortSettings {
  std::int32_t completion_affinity =
      -1;  ///< -1: the submitter's CPU, -2: the current one, or a CPU
  std::uint32_t max_rdma_size = 65536;
  std::uint32_t max_rsp_size = 256;
  std::uint32_t sq_size = 4096;
  bool use_srq = false;
};

/// An ALUA target port group of a device, SPC-4 5.15.2.
struct PortGroupState {
  std::uint16_t id = 0;
  std::uint8_t access_state = 0;   ///< 0 active/optimized ... 15 transitioning
  std::uint8_t access_status = 0;  ///< 1: by STPG, 2: implicitly
  std::uint8_t access_type = 3;    ///< 1 implicit, 2 explicit
  std::uint8_t supported = 0;      ///< as in byte 1 of the descriptor of REPORT TARGET PORT GROUPS
  bool preferred = false;
  std::uint32_t nonoptimized_delay_ms = 100;
  std::uint32_t transition_delay_ms = 0;
  std::uint32_t implicit_transition_s = 0;
};

/// A state that a host has set by SET TARGET PORT GROUPS, SPC-4 6.45.
struct AccessChange {
  bool of_port = false;  ///< offline, of the LUNs at the port with relative identifier `id`
  std::uint16_t id = 0;  ///< else of the group
  std::uint8_t state = 0;
};

/// A LUN's own ALUA state, SPC-4 5.15.2.5 (secondary target port asymmetric access state).
struct LunAccess {
  std::uint16_t group = 0;
  bool offline = false;
};

/// One registration as res_aptpl_metadata and the file of APTPL have it.
struct AptplRegistration {
  std::string initiator_fabric, initiator_node, initiator_sid;
  std::uint64_t key = 0;
  bool holder = false;
  std::uint8_t type = 0;
  std::uint8_t scope = 0;
  bool all_target_ports = false;
  std::uint64_t mapped_lun = 0;
  std::string target_fabric, target_node;
  std::uint16_t tag = 0;
  std::uint16_t port_rtpi = 0;
  std::uint64_t target_lun = 0;
};

/// SPC-4 5.13 state of a unit, as pr/ shows it.
struct Reservations {
  struct Registration {
    std::string initiator;  ///< its ACL
    std::uint64_t key = 0;
    std::uint32_t generation = 0;
  };
  struct Holder {
    std::string initiator;
    bool all_target_ports = false;
    std::string target;  ///< the port
    std::uint16_t rtpi = 1;
    std::uint64_t lun = 0;
    std::uint8_t type = 0;
  };
  std::uint32_t generation = 0;
  bool aptpl = false;
  bool spc2 = false;           ///< RESERVE(6), RESERVE(10): only the initiator of `holder` counts
  std::vector<Holder> holder;  ///< none or one
  std::vector<Registration> registrations;
};

struct Counters {
  std::uint64_t commands = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t resets = 0;
  std::uint64_t aborts_complete = 0;
  std::uint64_t aborts_no_task = 0;
  std::uint64_t busy = 0;           ///< commands that ended with BUSY
  std::uint64_t task_set_full = 0;  ///< and with TASK SET FULL
};

struct SessionRow {
  std::uint64_t id = 0;
  std::string initiator;  ///< as the ACL names it
  std::string address;
};

/// Bytes that hosts saw before, and see from now on.
struct Resized {
  std::uint64_t from = 0, to = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Operations on devices

  /// `enable`: opens the backing store. On failure nothing stays open; the errno is the answer.
  virtual Result<DeviceProperties> open_device(DeviceId device, const DeviceSpec& spec,
                                               const DeviceAttributes& attributes,
                                               const Identity& identity) = 0;
  virtual void close_device(DeviceId device) = 0;
  /// Attributes of an open device after a change.
  virtual Result<void> set_attributes(DeviceId device, const DeviceAttributes& attributes) = 0;
  /// `dev_config`, `dev_size`, `emulate_write_cache` of an open user device: the handler decides.
  virtual Result<void> reconfigure(DeviceId device, const DeviceSpec& spec, bool write_cache) = 0;
  /// Another size for an open device, or with 0 bytes the one that is behind it now.
  virtual Result<Resized> resize_device(DeviceId device, std::uint64_t bytes, bool may_shrink) = 0;
  /// pi_prot_format; of a device that is waited for, when it comes.
  virtual Result<void> format_protection(DeviceId device) = 0;

  virtual Result<void> restore_registration(DeviceId device,
                                            const AptplRegistration& registration) = 0;

  // Operations on ports

  virtual Result<void> add_port(std::string_view port) = 0;
  virtual void remove_port(std::string_view port) = 0;
  virtual Result<void> set_port(std::string_view port, const PortSettings& settings) = 0;
  virtual Result<void> add_tpg(TpgId tpg, std::string_view port, std::uint16_t rtpi) = 0;
  /// Sessions of its ACLs are closed when it returns.
  virtual void remove_tpg(TpgId tpg) = 0;
  virtual Result<void> set_rtpi(TpgId tpg, std::uint16_t rtpi) = 0;
  /// False: refuses logins and disconnects.
  virtual Result<void> enable_tpg(TpgId tpg, bool enable) = 0;
  /// RDMA/CM logins at this port of the TCP port space, all addresses; 0: none.
  virtual Result<void> listen(std::uint16_t rdma_cm_port) = 0;

  // Operations on LUNs and initiators

  virtual Result<void> add_lun(TpgId tpg, std::uint16_t lun, DeviceId device,
                               const LunAccess& access) = 0;
  /// Its commands are done when it returns. It goes from all ACLs.
  virtual void remove_lun(TpgId tpg, std::uint16_t lun) = 0;
  virtual Result<void> add_acl(TpgId tpg, std::string_view initiator) = 0;
  /// Its sessions are closed when it returns.
  virtual void remove_acl(TpgId tpg, std::string_view initiator) = 0;
  virtual Result<void> map_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                               std::uint16_t lun, bool write_protect) = 0;
  virtual void unmap_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped) = 0;
  virtual Result<void> write_protect(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                                     bool protect) = 0;

  // Announcements

  /// Only while no LUN shows the device.
  virtual void set_identity(DeviceId device, const Identity& identity) = 0;
  virtual void set_port_group(DeviceId device, const PortGroupState& group) = 0;
  virtual void remove_port_group(DeviceId device, std::uint16_t id) = 0;
  /// Of the device; nothing: in none.
  virtual void set_lu_group(DeviceId device, std::optional<std::uint16_t> id) = 0;
  virtual void set_lun_access(TpgId tpg, std::uint16_t lun, const LunAccess& access) = 0;

  // Questions

  virtual Reservations reservations(DeviceId device) const = 0;
  virtual Counters device_counters(DeviceId device) const = 0;
  virtual Counters lun_counters(TpgId tpg, std::uint16_t lun) const = 0;
  virtual Counters mapped_counters(TpgId tpg, std::string_view initiator,
                                   std::uint16_t mapped) const = 0;
  virtual std::vector<SessionRow> sessions(TpgId tpg, std::string_view initiator) const = 0;
  /// Whether something of an open device is missing, so that hosts do not see it though LUNs link
  /// to it.
  virtual bool is_waiting(DeviceId device) const = 0;
};

}  // namespace srpd::lio
