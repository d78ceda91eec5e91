// Page B2h, SBC-4 6.6.6.
#include "scsi/lu.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {

void build_logical_block_provisioning(const Command& command, ParameterData& data) {
  using Page = wire::LogicalBlockProvisioning;
  const LuAttributes& attributes = command.lu->attributes();
  auto& page = data.add<Page>();
  if (attributes.emulate_tpu) page.flags |= Page::lbpu;
  if (attributes.emulate_tpws) page.flags |= Page::lbpws | Page::lbpws10;
  if (page.flags == 0) return;  // fully provisioned
  if (attributes.unmap_zeroes_data) page.flags |= Page::lbprz_zeroes;
  page.provisioning_type = Page::type_thin;
}

}  // namespace srpd::scsi
