// A logical unit: identity, attributes, backing store and the conditions its initiators have to be
// told about.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "scsi/io_counters.h"
#include "scsi/live_value.h"
#include "scsi/nexus.h"
#include "scsi/reservations.h"
#include "scsi/target_port_groups.h"
#include "store/backstore.h"

namespace srpd::scsi {

/// What INQUIRY tells. The unit serial is the key of everything: NAA 6 and T10 designators follow
/// from it.
struct LuIdentity {
  std::string name{};              ///< the backstore object's name, for messages
  std::string unit_serial{};       ///< a UUID text unless configured otherwise
  std::string vendor = "LIO-ORG";  ///< at most 8
  std::string product{};           ///< at most 16; empty: the store's
  std::string revision = "4.0";    ///< at most 4
  std::uint32_t company_id = 0x001405;
};

/// LIO's device attributes as far as they are served; defaults as LIO sets them. Each is read
/// without a lock while Lu::change_attributes() writes it.
struct LuAttributes {
  /// False: no target port groups; every port serves everything.
  LiveValue<bool> alua_support = true;
  LiveValue<bool> emulate_dpo = true;
  LiveValue<bool> emulate_fua_write = true;
  LiveValue<bool> emulate_fua_read = true;
  /// Reservations are served; of pass-through units: they reach the device.
  LiveValue<bool> emulate_pr = true;
  /// Registrations survive a loss of power though the host does not ask for it.
  LiveValue<bool> force_pr_aptpl = false;
  LiveValue<bool> emulate_tas = true;
  LiveValue<bool> emulate_tpu = false;   ///< UNMAP; set at creation where the store can
  LiveValue<bool> emulate_tpws = false;  ///< WRITE SAME with UNMAP
  LiveValue<bool> emulate_rsoc = true;
  /// False: data are on stable media before a command that changed them is answered, and WCE is 0,
  /// also where the store has a volatile cache. Where it has none, this changes nothing.
  LiveValue<bool> emulate_write_cache = true;
  LiveValue<bool> write_protect = false;
  LiveValue<bool> is_nonrot = true;
  LiveValue<std::uint32_t> max_unmap_lba_count = 0;
  LiveValue<std::uint32_t> max_unmap_block_desc_count = 0;
  LiveValue<std::uint32_t> unmap_granularity = 0;
  LiveValue<std::uint32_t> unmap_granularity_alignment = 0;
  LiveValue<bool> unmap_zeroes_data = false;
  LiveValue<std::uint32_t> max_write_same_len = 0;  ///< blocks
  LiveValue<std::uint32_t> hw_max_sectors = 0;      ///< blocks; most in one command
  LiveValue<std::uint32_t> optimal_sectors = 0;
  LiveValue<std::uint32_t> queue_depth = 128;
};

/// Attributes as LIO would set them for `properties`, plus UNMAP where the store can do it.
LuAttributes default_attributes(const store::Properties& properties);

class Lu final : public store::Observer {
 public:
  /// `block_size` in bytes, 0: the store's. The store can be used again for another unit when this
  /// one is gone.
  Lu(LuIdentity identity, const LuAttributes& attributes, std::shared_ptr<store::Backstore> store,
     std::uint32_t block_size = 0);
  ~Lu();
  Lu(const Lu&) = delete;
  Lu& operator=(const Lu&) = delete;

  const LuIdentity& identity() const { return identity_; }
  /// Refused while the unit is exported: hosts would take it for another disk.
  Expected<void> change_identity(LuIdentity identity);
  const LuAttributes& attributes() const { return attributes_; }
  /// Takes effect with the next command; hosts are told by unit attentions what they have to read
  /// again. One thread at a time.
  void change_attributes(const LuAttributes& wanted);
  store::Backstore& store() const { return *store_; }
  /// Whether hosts are told of a volatile cache: MODE SENSE, VPD page 86h.
  bool shows_write_cache() const {
    return store_->properties().write_cache && attributes_.emulate_write_cache;
  }
  /// Whether every change has to reach stable media before it is answered.
  bool writes_through() const {
    return store_->properties().write_cache && !attributes_.emulate_write_cache;
  }
  std::uint32_t block_size() const { return block_size_; }
  unsigned block_shift() const { return block_shift_; }
  /// Any thread.
  std::uint64_t block_count() const { return block_count_.load(std::memory_order_relaxed); }
  /// True when [lba, lba + blocks) lies inside; safe for any values.
  bool contains(std::uint64_t lba, std::uint64_t blocks) const {
    const std::uint64_t count = block_count();
    return lba <= count && blocks <= count - lba;
  }

  /// NAA 6 designator, 16 bytes: company id and 25 hex digits of the unit serial, as LIO makes it.
  std::array<std::byte, 16> naa() const;

  /// The nexuses that see this unit, and what is counted for them; any thread. Called by ItlNexus
  /// and IoCounters.
  void attach(ItlNexus& itl);
  void detach(ItlNexus& itl);
  void attach(IoCounters& counters);
  void detach(IoCounters& counters);
  /// Tells every nexus but `except`. Any thread.
  void raise(UnitAttention condition, const ItlNexus* except = nullptr);

  /// visit(ItlNexus&), with none coming or going.
  template <class Visitor>
  void for_each_nexus(Visitor visit) {
    const std::lock_guard lock(mutex_);
    for (ItlNexus* const itl : nexuses_) visit(*itl);
  }

  TargetPortGroups& port_groups() { return port_groups_; }
  const TargetPortGroups& port_groups() const { return port_groups_; }

  Reservations& reservations() { return reservations_; }
  const Reservations& reservations() const { return reservations_; }

  /// A LUN of a target port refers to this unit; counted.
  void add_export();
  void remove_export();
  /// Some port has it as a LUN, or commands that came by one may still be under way. Any thread.
  bool exported() const;

  /// What hosts did, over all nexuses and all times. Any thread.
  IoCount io_count() const;

  /// Task management functions that named this unit; any thread.
  struct TaskManagementCount {
    std::atomic<std::uint64_t> resets{0};           ///< LOGICAL UNIT RESET
    std::atomic<std::uint64_t> aborts_complete{0};  ///< ABORT TASK that found its command
    std::atomic<std::uint64_t> aborts_no_task{0};   ///< and that did not
  };
  TaskManagementCount task_management;

  void on_size_changed(std::uint64_t bytes) override;

  /// START STOP UNIT.
  std::atomic<bool> stopped{false};
  /// Control and caching mode page bits that MODE SELECT or attributes may change later.
  std::atomic<bool> descriptor_sense{false};

 private:
  LuIdentity identity_;
  LuAttributes attributes_;
  std::shared_ptr<store::Backstore> store_;
  std::uint32_t block_size_;
  unsigned block_shift_;
  std::atomic<std::uint64_t> block_count_;
  mutable std::mutex mutex_;  // for the members below: never on the I/O path
  std::vector<ItlNexus*> nexuses_;
  std::vector<IoCounters*> counters_;
  IoCount past_;  ///< of counters that are gone
  std::uint32_t exports_ = 0;
  TargetPortGroups port_groups_{*this};
  Reservations reservations_{*this};
};

}  // namespace srpd::scsi
