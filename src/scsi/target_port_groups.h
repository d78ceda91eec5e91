// Asymmetric logical unit access (SPC-4 5.15): the target port groups of a unit, which of its ports
// are in which, and what hosts may do through them. What a command has to look at is one word of
// its I_T_L nexus, 0 where everything is served; all else is under a lock and changes rarely.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "scsi/live_value.h"
#include "scsi/result.h"

namespace srpd::scsi {

class Lu;
struct ItlNexus;
struct Spec;

/// SPC-4 table 46. Offline is a state of single ports (a secondary one); LIO lets groups have it
/// as well.
enum class AccessState : std::uint8_t {
  active_optimized = 0x0,
  active_nonoptimized = 0x1,
  standby = 0x2,
  unavailable = 0x3,
  offline = 0xe,
  transitioning = 0xf,
};

struct TargetPortGroup {
  static constexpr std::uint8_t implicitly = 0x1, explicitly = 0x2;              // access_type
  static constexpr std::uint8_t altered_explicitly = 1, altered_implicitly = 2;  // status

  std::uint16_t id = 0;
  AccessState state = AccessState::active_optimized;
  std::uint8_t status = 0;                             ///< why it is in that state
  std::uint8_t access_type = implicitly | explicitly;  ///< who may change states
  std::uint8_t supported = 0xcf;  ///< byte 1 of its descriptor: all states but LBA dependent
  bool preferred = false;
  std::uint32_t nonoptimized_delay_ms = 100;  ///< what commands wait in that state, as LIO's do
  std::uint32_t transition_delay_ms = 0;      ///< how long an explicit change of state takes
  std::uint32_t implicit_transition_s = 0;    ///< what hosts are told that others take at most

  bool operator==(const TargetPortGroup&) const = default;
};

/// The group of a port, and whether the port itself is offline.
struct PortAccess {
  std::uint16_t group = 0;
  bool offline = false;

  bool operator==(const PortAccess&) const = default;
};

/// A target port at which the unit is a LUN. Shared by the I_T_L nexuses that came by it.
class UnitPort {
 public:
  /// `number`: of the LUN at the port.
  UnitPort(std::uint16_t relative_id, const PortAccess& access, std::uint32_t number = 0)
      : relative_port(relative_id), lun(number), access_(access) {}
  UnitPort(const UnitPort&) = delete;
  UnitPort& operator=(const UnitPort&) = delete;

  LiveValue<std::uint16_t> relative_port;  ///< relative target port identifier
  const std::uint32_t lun;

 private:
  friend class TargetPortGroups;
  PortAccess access_;  ///< under the lock of the groups
  std::atomic<std::uint32_t> word_{0};
};

/// What one descriptor of SET TARGET PORT GROUPS has changed, for whoever keeps it.
struct AccessChange {
  bool of_port = false;  ///< `id` is a relative target port identifier, else that of a group
  std::uint16_t id = 0;
  AccessState state = AccessState::active_optimized;
};

class TargetPortGroups {
 public:
  /// Keeps what a host has set; calls `done` when that is safe, from any thread. Must not wait.
  using Recorder =
      std::function<void(std::vector<AccessChange> changes, std::function<void()> done)>;

  /// The default group, 0, is always there.
  explicit TargetPortGroups(Lu& lu) : lu_(lu) {
    groups_.emplace(std::uint16_t{0}, TargetPortGroup{});
  }
  TargetPortGroups(const TargetPortGroups&) = delete;
  TargetPortGroups& operator=(const TargetPortGroups&) = delete;

  // Administration. Any thread; in force with the next command, and hosts are told by unit
  // attentions.

  /// A new group, or a changed one.
  void set(const TargetPortGroup& group);
  /// Ports in it fall back to the default group. Not that one.
  void remove(std::uint16_t id);
  /// The logical unit group, or none.
  void set_unit_group(std::optional<std::uint16_t> id);
  void set_recorder(Recorder recorder);
  void add(UnitPort& port);
  void remove(UnitPort& port);
  void set_access(UnitPort& port, const PortAccess& access);
  /// Lu's attribute alua_support has changed.
  void enable(bool enabled);

  // What is. Any thread. A null port is in the default group.

  TargetPortGroup group_of(const UnitPort* port) const;
  std::optional<std::uint16_t> unit_group() const;
  /// Some group lets hosts change states.
  bool allows_explicit() const { return allows_explicit_.load(std::memory_order_relaxed); }
  /// The word for a new nexus that comes by `port`.
  static std::uint32_t word_of(const UnitPort* port) {
    return port == nullptr ? 0 : port->word_.load(std::memory_order_relaxed);
  }

  /// REPORT TARGET PORT GROUPS, SPC-4 6.37: writes as much of the parameter data as fits `out`,
  /// returns their whole length. `port`: by which the command came.
  std::size_t report(bool extended, const UnitPort* port, std::span<std::byte> out) const;

  // SET TARGET PORT GROUPS, SPC-4 6.45: `list` is the parameter list, received through `itl`. All
  // of it is done or nothing.

  /// Whether it can be done.
  Result check(std::span<const std::byte> list, const ItlNexus& itl) const;
  /// Begins: groups that take their time are transitioning from now on. Returns for how many
  /// milliseconds.
  std::uint32_t begin(std::span<const std::byte> list, const ItlNexus& itl);
  /// The states are as wanted. Returns true when they are on the way to be kept; `done` follows,
  /// from any thread.
  bool finish(std::span<const std::byte> list, const ItlNexus& itl, std::function<void()> done);

 private:
  TargetPortGroup& group_at(std::uint16_t id);
  const TargetPortGroup& group_at(std::uint16_t id) const;
  std::uint32_t make_word(const UnitPort& port) const;
  void publish();
  bool has_port(std::uint16_t relative_port) const;
  Result check_descriptor(std::uint8_t state, std::uint16_t id, std::size_t at) const;

  Lu& lu_;
  mutable std::mutex mutex_;
  std::map<std::uint16_t, TargetPortGroup> groups_;
  std::vector<UnitPort*> ports_;
  std::optional<std::uint16_t> unit_group_ = std::uint16_t{0};
  Recorder recorder_;
  bool enabled_ = true;
  std::atomic<bool> allows_explicit_{true};
};

/// What the word of a nexus says that is not 0: whether the command can be served now; `result` is
/// the answer when not.
bool access_permits(std::uint32_t word, const Spec& spec, Result& result);
/// How long a command has to wait first.
std::uint32_t access_delay_ms(std::uint32_t word);

}  // namespace srpd::scsi
