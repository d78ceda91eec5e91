// Everything told here is read from the command table.
#include "scsi/commands/report_supported_operation_codes.h"

#include <algorithm>
#include <cstdint>

#include "scsi/command_table.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

using Cdb = wire::ReportOperationCodesCdb;

enum class Option : std::uint8_t { all = 0, opcode = 1, service_action = 2, either = 3 };

// No time is promised for any command: the descriptor is there with zeroes (SPC-5 6.34.4).
void add_timeouts(ParameterData& data) {
  data.add<wire::CommandTimeouts>().length = sizeof(wire::CommandTimeouts) - sizeof(wire::be16);
}

void add_command(const Spec& spec, bool with_timeouts, ParameterData& data) {
  auto& descriptor = data.add<wire::CommandDescriptor>();
  descriptor.opcode = spec.opcode;
  descriptor.service_action = spec.service_action.value_or(0);
  if (spec.service_action) descriptor.flags |= wire::CommandDescriptor::servactv;
  if (with_timeouts) descriptor.flags |= wire::CommandDescriptor::ctdp;
  descriptor.cdb_length = spec.cdb_length;
  if (with_timeouts) add_timeouts(data);
}

Result report_all(Command& command, const Cdb& cdb, bool with_timeouts) {
  ParameterData data(command);
  auto& length = data.add<wire::be32>();
  for (const Row& row : command_table())
    if (is_supported(row.spec, command.lu)) add_command(row.spec, with_timeouts, data);
  length = static_cast<std::uint32_t>(data.size() - sizeof length);
  return data.send(cdb.length);
}

// The row that the CDB asks about, or null when there is none.
const Row* requested_row(const Cdb& cdb) {
  const std::uint16_t service_action = cdb.requested_service_action;
  if (!has_service_actions(cdb.requested_opcode) && service_action != 0) return nullptr;
  return find_command(cdb.requested_opcode, service_action);
}

Result report_one(Command& command, const Cdb& cdb, const Row* row, bool with_timeouts) {
  ParameterData data(command);
  auto& header = data.add<wire::OneCommandHeader>();
  if (row == nullptr || !is_supported(row->spec, command.lu)) {
    header.support = wire::OneCommandHeader::not_supported;
    return data.send(cdb.length);
  }
  const Spec& spec = row->spec;
  header.support = wire::OneCommandHeader::supported;
  if (with_timeouts) header.support |= wire::OneCommandHeader::ctdp;
  header.cdb_length = spec.cdb_length;
  const auto usage = data.add_bytes(spec.cdb_length);
  std::transform(spec.usage.begin(), spec.usage.begin() + spec.cdb_length, usage.begin(),
                 [](std::uint8_t bits) { return std::byte{bits}; });
  if (with_timeouts) add_timeouts(data);
  return data.send(cdb.length);
}

}  // namespace

// SPC-5 table 236: asking by operation code alone is an error where service actions tell commands
// apart, and the other way round.
Result report_supported_operation_codes(Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  const bool with_timeouts = (cdb.options & wire::report_opcodes_rctd) != 0;
  const bool by_service_action = has_service_actions(cdb.requested_opcode);
  switch (static_cast<Option>(cdb.options & wire::report_opcodes_options_mask)) {
    case Option::all:
      return report_all(command, cdb, with_timeouts);
    case Option::opcode:
      if (by_service_action) return sense::invalid_field_in_cdb(2, 2);
      return report_one(command, cdb, find_command(cdb.requested_opcode, 0), with_timeouts);
    case Option::service_action:
      if (!by_service_action) return sense::invalid_field_in_cdb(2, 2);
      return report_one(command, cdb, requested_row(cdb), with_timeouts);
    case Option::either:
      return report_one(command, cdb, requested_row(cdb), with_timeouts);
  }
  return sense::invalid_field_in_cdb(2, 2);
}

}  // namespace srpd::scsi
