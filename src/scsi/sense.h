// The ways a command ends, as results. Additional sense codes: SPC-5 annex F.
#pragma once

#include <cstdint>
#include <optional>

#include "scsi/result.h"

namespace srpd::scsi::sense {

/// Additional sense code and qualifier in one number: 2A09h is 2A/09.
Result check_condition(SenseKey key, std::uint16_t code,
                       std::optional<std::uint64_t> information = {},
                       std::optional<FieldPointer> field = {});

Result invalid_opcode();
/// `bit`: the highest bit of the field; 0xff: no bit pointer.
Result invalid_field_in_cdb(std::uint16_t byte, std::uint8_t bit = 0xff);
Result invalid_field_in_parameter_list(std::uint16_t byte, std::uint8_t bit = 0xff);
Result parameter_list_length_error();
Result invalid_field_in_information_unit();
Result lba_out_of_range(std::uint64_t lba);
Result logical_unit_not_supported();
Result invalid_message();
Result saving_parameters_not_supported();
Result write_protected();
/// START STOP UNIT with START needed.
Result initializing_command_required();
/// Asymmetric access states, SPC-4 5.15.2.4.
Result asymmetric_access_transition();
Result target_port_in_standby();
Result target_port_unavailable();
Result target_port_offline();
Result miscompare(std::uint64_t offset);

}  // namespace srpd::scsi::sense
