// From the task set to the command's row and back.
#pragma once

#include "scsi/command.h"
#include "scsi/io_counters.h"

namespace srpd::scsi {

/// The well-known unit for REPORT LUNS, SAM-5 4.7.7.5.
inline constexpr std::uint64_t report_luns_well_known_lun = 0xc101000000000000;

/// Checks and serves the command; ends with on_complete(), possibly inline.
void execute(Command& command);

/// What the command is counted as; known from execute() on.
IoClass io_class_of(const Command& command);

}  // namespace srpd::scsi
