#include "scsi/commands/test_unit_ready.h"

#include "scsi/execute.h"
#include "scsi/sense.h"

namespace srpd::scsi {

// Stopped units and unit attentions are found before a command gets here.
Result test_unit_ready(Command& command) {
  if (command.lu == nullptr && command.lun != report_luns_well_known_lun)
    return sense::logical_unit_not_supported();
  return {};
}

}  // namespace srpd::scsi
