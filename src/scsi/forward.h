// Commands of units that are SCSI devices themselves (store/pass_through.h): they go to the device
// instead of the command table. What stays here is what concerns the nexus: REPORT LUNS, conditions
// of the unit, write protection of the mapping, task management.
#pragma once

#include "runtime/task.h"
#include "scsi/command.h"

namespace srpd::scsi {

/// Whether the device gets it. REPORT LUNS is about the nexus, not about the device.
bool goes_to_device(const Command& command);

/// command.lu is a pass-through unit, the attribute has been checked.
runtime::Task<Result> forward(Command& command);

/// The command was aborted: if the device has not begun with it, it will not.
void cancel_at_device(Command& command);

}  // namespace srpd::scsi
