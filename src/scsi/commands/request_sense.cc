#include "scsi/commands/request_sense.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "scsi/execute.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "scsi/unit_attention.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {
namespace {

// What the unit has to say: an unknown unit, a pending unit attention (which it clears), not ready,
// or nothing.
Sense pending_sense(const Command& command) {
  if (command.lu == nullptr) {
    if (command.lun == report_luns_well_known_lun) return {};
    return sense::logical_unit_not_supported().sense;
  }
  if (const auto condition = take_unit_attention(*command.itl))
    return result_from(*condition).sense;
  if (command.lu->stopped.load(std::memory_order_relaxed))
    return sense::initializing_command_required().sense;
  return {};
}

}  // namespace

Result request_sense(Command& command) {
  const auto& cdb = *wire::view<wire::ParameterCdb6>(command.cdb);
  std::array<std::byte, max_sense_length> encoded;
  const std::size_t length =
      encode_sense(pending_sense(command), (cdb.flags & wire::request_sense_desc) != 0, encoded);
  ParameterData data(command);
  std::copy_n(encoded.begin(), length, data.add_bytes(length).begin());
  return data.send(cdb.length);
}

}  // namespace srpd::scsi
