// Page 86h, SPC-5 7.7.7.
#include "scsi/lu.h"
#include "scsi/result.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {

void build_extended_inquiry(const Command& command, ParameterData& data) {
  auto& page = data.add<wire::ExtendedInquiry>();
  page.attributes = wire::extended_headsup | wire::extended_ordsup | wire::extended_simpsup;
  if (command.lu->shows_write_cache()) page.caches = wire::extended_v_sup;
  page.max_sense_length = max_sense_length;
}

}  // namespace srpd::scsi
