// Page 00h, SPC-5 7.7.16.
#include "scsi/vpd/page.h"

namespace srpd::scsi {

void build_supported_pages(const Command&, ParameterData& data) {
  for (const VpdPage& page : vpd_pages()) data.add_bytes(1)[0] = std::byte{page.code};
}

}  // namespace srpd::scsi
