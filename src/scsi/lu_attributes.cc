// Device attributes as a new unit has them, and what hosts are told when they change.
#include <algorithm>
#include <cstdint>

#include "scsi/lu.h"

namespace srpd::scsi {
namespace {

constexpr std::uint32_t lio_no_limit = 0xfffffff8;  // what LIO shows where the store has no limit
constexpr std::uint32_t unmap_descriptors = 255;    // a parameter list of 4088 bytes
constexpr std::uint32_t write_same_blocks = 65535;
constexpr std::uint32_t deepest_queue = 1024;

// A byte count as blocks of a 32-bit attribute; 0 means `otherwise`.
std::uint32_t in_blocks(std::uint64_t bytes, std::uint32_t block_size, std::uint32_t otherwise) {
  if (bytes == 0) return otherwise;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / block_size, otherwise));
}

// What MODE SENSE shows: DPOFUA and WP in the header, TAS and SWP in the control page, WCE in the
// caching page.
bool mode_parameters_differ(const LuAttributes& a, const LuAttributes& b) {
  return a.emulate_write_cache != b.emulate_write_cache ||
         a.emulate_fua_write != b.emulate_fua_write || a.emulate_tas != b.emulate_tas ||
         a.write_protect != b.write_protect;
}

bool unmap_limits_differ(const LuAttributes& a, const LuAttributes& b) {
  return a.max_unmap_lba_count != b.max_unmap_lba_count ||
         a.max_unmap_block_desc_count != b.max_unmap_block_desc_count ||
         a.unmap_granularity != b.unmap_granularity ||
         a.unmap_granularity_alignment != b.unmap_granularity_alignment;
}

bool provisioning_differs(const LuAttributes& a, const LuAttributes& b) {
  return a.emulate_tpu != b.emulate_tpu || a.emulate_tpws != b.emulate_tpws ||
         a.unmap_zeroes_data != b.unmap_zeroes_data;
}

// What the VPD pages B0h, B1h and B2h show.
bool vpd_pages_differ(const LuAttributes& a, const LuAttributes& b) {
  return provisioning_differs(a, b) || unmap_limits_differ(a, b) || a.is_nonrot != b.is_nonrot ||
         a.max_write_same_len != b.max_write_same_len || a.hw_max_sectors != b.hw_max_sectors ||
         a.optimal_sectors != b.optimal_sectors;
}

}  // namespace

// SPC-5 7.5.3 and 7.7.1 for the first two; READ CAPACITY(16) shows LBPME and LBPRZ (SBC-4 5.20).
void Lu::change_attributes(const LuAttributes& wanted) {
  const LuAttributes before = attributes_;
  attributes_ = wanted;
  port_groups_.enable(wanted.alua_support);
  reservations_.enable(wanted.emulate_pr, wanted.force_pr_aptpl);
  if (mode_parameters_differ(before, wanted)) raise(UnitAttention::mode_parameters_changed);
  if (vpd_pages_differ(before, wanted)) raise(UnitAttention::inquiry_data_changed);
  if (provisioning_differs(before, wanted)) raise(UnitAttention::capacity_changed);
}

LuAttributes default_attributes(const store::Properties& properties) {
  LuAttributes attributes;
  const std::uint32_t block_size = properties.block_size;
  attributes.write_protect = properties.read_only;
  attributes.is_nonrot = !properties.rotational;
  attributes.hw_max_sectors = in_blocks(properties.max_transfer_bytes, block_size, lio_no_limit);
  attributes.optimal_sectors =
      in_blocks(properties.optimal_transfer_bytes, block_size, attributes.hw_max_sectors);
  attributes.max_write_same_len = write_same_blocks;
  if (properties.queue_depth != 0)
    attributes.queue_depth = std::min(properties.queue_depth, deepest_queue);
  if (properties.can_unmap) {
    attributes.emulate_tpu = true;
    attributes.emulate_tpws = true;
    attributes.max_unmap_lba_count = in_blocks(properties.max_unmap_bytes, block_size, UINT32_MAX);
    attributes.max_unmap_block_desc_count = unmap_descriptors;
    attributes.unmap_granularity = properties.unmap_granularity / block_size;
    attributes.unmap_granularity_alignment = properties.unmap_alignment / block_size;
    attributes.unmap_zeroes_data = properties.unmap_zeroes;
  }
  return attributes;
}

}  // namespace srpd::scsi
