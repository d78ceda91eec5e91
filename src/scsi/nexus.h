// I_T and I_T_L nexuses: who talks to which unit, and what that initiator has yet to be told.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "scsi/io_counters.h"
#include "scsi/lun_map.h"
#include "scsi/reservation_state.h"
#include "scsi/target_port_groups.h"

namespace srpd::scsi {

class Lu;

/// The target port as VPD page 83 and the mode pages present it.
struct TargetPort {
  std::string name;  ///< SCSI name string; as LIO: "0x" + 32 hex digits of the identifier
  PortId id{};
  std::uint16_t relative_target_port = 1;  ///< SAM-5 relative port identifier, 1 ..
  std::uint16_t portal_group_tag = 1;
};

/// Unit attention conditions, one bit each, in order of reporting (SAM-5 5.14; the highest first).
enum class UnitAttention : std::uint8_t {
  power_on,                    ///< 29/00
  bus_device_reset,            ///< 29/03
  nexus_loss,                  ///< 29/07
  reported_luns_changed,       ///< 3F/0E
  capacity_changed,            ///< 2A/09
  mode_parameters_changed,     ///< 2A/01
  reservations_preempted,      ///< 2A/03
  reservations_released,       ///< 2A/04
  registrations_preempted,     ///< 2A/05
  alua_state_changed,          ///< 2A/06
  commands_cleared,            ///< 2F/00
  inquiry_data_changed,        ///< 3F/03
  microcode_changed,           ///< 3F/01
  thin_provisioning_threshold  ///< 38/07
};

/// One initiator port's view of one unit. Unit attentions may be raised from any thread; a command
/// takes them without a lock. Keeps the unit alive; begins with the unit attention of power on.
struct ItlNexus {
  /// `number`: of the LUN, up to LunMap::max_number. `counters`: of the unit; others may count
  /// there, too. `port`: by which it comes; null: one in the default target port group. `name`:
  /// what reservations know it by; null: the empty one.
  ItlNexus(std::uint32_t number, std::shared_ptr<IoCounters> counters, bool write_protected,
           std::shared_ptr<const UnitPort> port = nullptr,
           std::shared_ptr<const NexusName> name = nullptr);
  ~ItlNexus();
  ItlNexus(const ItlNexus&) = delete;
  ItlNexus& operator=(const ItlNexus&) = delete;

  void raise(UnitAttention condition) {
    unit_attentions.fetch_or(1u << static_cast<unsigned>(condition), std::memory_order_release);
  }

  Lu* const lu;
  IoCounters::Cell* const cells;  ///< of loop 0; see Command::loop_index
  std::atomic<std::uint32_t> unit_attentions;
  /// What asymmetric access leaves of the unit: see target_port_groups.h. 0: everything.
  std::atomic<std::uint32_t> access{0};
  std::atomic<bool> write_protected;
  /// What reservations leave of it: see reservations.h.
  std::atomic<ReservationLevel> reservation{ReservationLevel::everything};
  /// The last preemption that aborts its commands.
  std::atomic<std::uint32_t> preemption{0};
  const std::uint32_t number;
  const std::uint64_t lun;  ///< as REPORT LUNS shows it, eight bytes as an integer
  const std::shared_ptr<IoCounters> counters;
  const std::shared_ptr<const UnitPort> port;
  const std::shared_ptr<const NexusName> name;  ///< never null

 private:
  friend class Lu;
  std::size_t place_ = 0;  ///< in the unit's list
};

/// By the mapping, the unit's attributes or the store.
bool is_write_protected(const ItlNexus& itl);

/// The most important pending condition, cleared; none when nothing is pending. Any loop.
std::optional<UnitAttention> take_unit_attention(ItlNexus& itl);

/// An initiator port at a target port. Shared by the channels (sessions) of one login; outlives
/// them.
class ItNexus {
 public:
  /// `reserved_as`: by what reservations know the initiator; empty: by its name.
  ItNexus(std::string initiator_name, PortId initiator, TargetPort target,
          std::string reserved_as = {});
  ItNexus(const ItNexus&) = delete;
  ItNexus& operator=(const ItNexus&) = delete;

  const std::string& initiator_name() const { return initiator_name_; }
  /// What reservations know it by.
  const std::shared_ptr<const NexusName>& name() const { return name_; }
  const PortId& initiator() const { return initiator_; }
  const TargetPort& target() const { return target_; }
  /// The units this initiator sees; they belong to whoever puts them there.
  LunMap& luns() { return luns_; }

 private:
  const std::string initiator_name_;
  const std::shared_ptr<const NexusName> name_;
  const PortId initiator_;
  const TargetPort target_;
  LunMap luns_;
};

}  // namespace srpd::scsi
