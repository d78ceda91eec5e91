// The command table: every command the core serves, one row each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/spec.h"

namespace srpd::scsi {

class Lu;

struct Row {
  Spec spec;
  /// Bits a CDB may have set; those of other bytes and the vendor specific ones of CONTROL are not
  /// looked at.
  std::array<std::uint8_t, 16> allowed;
};

/// All rows, by operation code and service action.
std::span<const Row> command_table();

/// The row of a CDB of at least 16 bytes, or null.
const Row* find_command(std::span<const std::byte> cdb);

/// The row for an operation code with, where the command has them, a service action; or null.
const Row* find_command(std::uint8_t opcode, std::uint16_t service_action);

/// True when some row has this operation code.
bool is_known_opcode(std::byte opcode);
/// True when the rows with this operation code are told apart by service actions.
bool has_service_actions(std::uint8_t opcode);

/// True when `lu` serves it; a null `lu` is asked only for what any LUN serves.
bool is_supported(const Spec& spec, const Lu* lu);

}  // namespace srpd::scsi
