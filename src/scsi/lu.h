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

#include "scsi/nexus.h"
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

/// LIO's device attributes as far as they are served; defaults as LIO sets them (reference:
/// configfs 3.3).
struct LuAttributes {
  bool emulate_dpo = true;
  bool emulate_fua_write = true;
  bool emulate_fua_read = true;
  bool emulate_tas = true;
  bool emulate_tpu = false;   ///< UNMAP; set at creation where the store can
  bool emulate_tpws = false;  ///< WRITE SAME with UNMAP
  bool emulate_rsoc = true;
  bool write_protect = false;
  bool is_nonrot = true;
  std::uint32_t max_unmap_lba_count = 0;
  std::uint32_t max_unmap_block_desc_count = 0;
  std::uint32_t unmap_granularity = 0;
  std::uint32_t unmap_granularity_alignment = 0;
  bool unmap_zeroes_data = false;
  std::uint32_t max_write_same_len = 0;  ///< blocks
  std::uint32_t hw_max_sectors = 0;      ///< blocks; most in one command
  std::uint32_t optimal_sectors = 0;
  std::uint32_t queue_depth = 128;
};

/// Attributes as LIO would set them for `properties`, plus UNMAP where the store can do it.
LuAttributes default_attributes(const store::Properties& properties);

class Lu final : public store::Observer {
 public:
  Lu(LuIdentity identity, const LuAttributes& attributes, std::unique_ptr<store::Backstore> store);
  ~Lu();
  Lu(const Lu&) = delete;
  Lu& operator=(const Lu&) = delete;

  const LuIdentity& identity() const { return identity_; }
  const LuAttributes& attributes() const { return attributes_; }
  store::Backstore& store() const { return *store_; }
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

  /// The nexuses that see this unit; any thread. Called by ItNexus.
  void attach(ItlNexus& itl);
  void detach(ItlNexus& itl);
  /// Tells every nexus but `except`. Any thread.
  void raise(UnitAttention condition, const ItlNexus* except = nullptr);

  void on_size_changed(std::uint64_t bytes) override;

  /// START STOP UNIT.
  std::atomic<bool> stopped{false};
  /// Control and caching mode page bits that MODE SELECT or attributes may change later.
  std::atomic<bool> descriptor_sense{false};

  /// What hosts asked of the unit, over all nexuses. Relaxed.
  struct Counters {
    std::atomic<std::uint64_t> commands{0}, errors{0}, read_bytes{0}, written_bytes{0};
  };
  Counters counters;

 private:
  LuIdentity identity_;
  LuAttributes attributes_;
  std::unique_ptr<store::Backstore> store_;
  std::uint32_t block_size_;
  unsigned block_shift_;
  std::atomic<std::uint64_t> block_count_;
  std::mutex mutex_;  // attach, detach and raise only: never on the I/O path
  std::vector<ItlNexus*> nexuses_;
};

}  // namespace srpd::scsi
