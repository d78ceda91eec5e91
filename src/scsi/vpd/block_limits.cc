// Page B0h, SBC-4 6.6.4.
#include <algorithm>

#include "scsi/lu.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {
namespace {

std::uint16_t optimal_granularity(const Lu& lu) {
  const std::uint32_t blocks = lu.store().properties().physical_block_size / lu.block_size();
  return static_cast<std::uint16_t>(std::clamp<std::uint32_t>(blocks, 1, UINT16_MAX));
}

}  // namespace

void build_block_limits(const Command& command, ParameterData& data) {
  const Lu& lu = *command.lu;
  const LuAttributes& attributes = lu.attributes();
  auto& page = data.add<wire::BlockLimits>();
  page.flags = wire::block_limits_wsnz;
  page.optimal_granularity = optimal_granularity(lu);
  page.max_transfer = attributes.hw_max_sectors;
  page.optimal_transfer = attributes.optimal_sectors;
  page.max_write_same = attributes.max_write_same_len;
  if (!attributes.emulate_tpu) return;
  page.max_unmap_blocks = attributes.max_unmap_lba_count;
  page.max_unmap_descriptors = attributes.max_unmap_block_desc_count;
  page.unmap_granularity = attributes.unmap_granularity;
  if (attributes.unmap_granularity_alignment != 0)
    page.unmap_alignment = attributes.unmap_granularity_alignment | wire::block_limits_ugavalid;
}

}  // namespace srpd::scsi
