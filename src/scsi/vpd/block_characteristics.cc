// Page B1h, SBC-4 6.6.2.
#include "scsi/lu.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {

void build_block_characteristics(const Command& command, ParameterData& data) {
  auto& page = data.add<wire::BlockCharacteristics>();
  if (command.lu->attributes().is_nonrot) page.rotation_rate = 1;
}

}  // namespace srpd::scsi
