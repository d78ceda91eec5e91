#include "scsi/commands/read_capacity.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "scsi/lu.h"
#include "scsi/parameter_data.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

// A unit without a single block has no last LBA; FFFF...h is what the field would wrap to, and
// would tell hosts that there is a huge disk. They see one block that they cannot read instead.
std::uint64_t last_lba(const Lu& lu) { return std::max<std::uint64_t>(lu.block_count(), 1) - 1; }

std::uint8_t physical_exponent(const Lu& lu) {
  const std::uint32_t physical = lu.store().properties().physical_block_size;
  if (physical <= lu.block_size()) return 0;
  return static_cast<std::uint8_t>(std::bit_width(physical / lu.block_size()) - 1);
}

std::uint16_t provisioning(const Lu& lu) {
  const LuAttributes& attributes = lu.attributes();
  std::uint16_t bits = 0;
  if (attributes.emulate_tpu || attributes.emulate_tpws) {
    bits |= wire::Capacity16::lbpme;
    if (attributes.unmap_zeroes_data) bits |= wire::Capacity16::lbprz;
  }
  return bits;
}

}  // namespace

Result read_capacity_10(Command& command) {
  ParameterData data(command);
  auto& capacity = data.add<wire::Capacity10>();
  // FFFFFFFFh sends the host to READ CAPACITY(16).
  capacity.last_lba =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(last_lba(*command.lu), UINT32_MAX));
  capacity.block_size = command.lu->block_size();
  return data.send(sizeof(wire::Capacity10));
}

Result read_capacity_16(Command& command) {
  ParameterData data(command);
  auto& capacity = data.add<wire::Capacity16>();
  capacity.last_lba = last_lba(*command.lu);
  capacity.block_size = command.lu->block_size();
  capacity.exponents = physical_exponent(*command.lu);
  capacity.provisioning = provisioning(*command.lu);
  return data.send(wire::view<wire::Cdb16>(command.cdb)->length);
}

}  // namespace srpd::scsi
