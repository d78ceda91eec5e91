// I_T and I_T_L nexuses: who talks to which unit, and what that initiator has yet to be told.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace srpd::scsi {

class Lu;

/// SRP port identifier, 16 bytes: extension and GUID.
using PortId = std::array<std::byte, 16>;

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
/// takes them without a lock.
struct ItlNexus {
  Lu* lu = nullptr;
  std::uint64_t lun = 0;  ///< as REPORT LUNS shows it, eight bytes as an integer
  bool write_protected = false;
  std::atomic<std::uint32_t> unit_attentions{0};

  void raise(UnitAttention condition) {
    unit_attentions.fetch_or(1u << static_cast<unsigned>(condition), std::memory_order_release);
  }
};

/// By the mapping, the unit's attributes or the store.
bool is_write_protected(const ItlNexus& itl);

/// The most important pending condition, cleared; none when nothing is pending. Any loop.
std::optional<UnitAttention> take_unit_attention(ItlNexus& itl);

/// The units one initiator port sees. Immutable once published except for the unit attentions
/// inside.
class LunMap {
 public:
  struct Entry {
    std::uint32_t number = 0;  ///< 0 .. 16383
    Lu* lu = nullptr;
    bool write_protected = false;
  };
  /// Duplicate or too large numbers are errors. Peripheral addressing below 256, flat space above
  /// (SAM-5 4.7.7).
  static Expected<std::unique_ptr<LunMap>> make(std::vector<Entry> entries);

  /// Any addressing method that names a unit here; null: none. O(log n) at most.
  ItlNexus* find(std::uint64_t lun);
  std::size_t size() const { return count_; }
  /// In order of LUN.
  ItlNexus& at(std::size_t index) { return units_[index]; }

 private:
  std::unique_ptr<ItlNexus[]> units_;
  std::size_t count_ = 0;
};

/// The eight bytes of LUN `number` as an integer, in the addressing method LIO uses for it.
std::uint64_t encode_lun(std::uint32_t number);

/// An initiator port at a target port. Shared by the channels (sessions) of one login; outlives
/// them.
class ItNexus {
 public:
  ItNexus(std::string initiator_name, PortId initiator, const TargetPort& target,
          std::unique_ptr<LunMap> map);
  ~ItNexus();
  ItNexus(const ItNexus&) = delete;
  ItNexus& operator=(const ItNexus&) = delete;

  const std::string& initiator_name() const { return initiator_name_; }
  const PortId& initiator() const { return initiator_; }
  const TargetPort& target() const { return target_; }
  LunMap& luns() { return *map_; }

 private:
  std::string initiator_name_;
  PortId initiator_;
  const TargetPort& target_;
  std::unique_ptr<LunMap> map_;
};

}  // namespace srpd::scsi
