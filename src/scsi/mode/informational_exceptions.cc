// Informational exceptions control page 1Ch, SPC-5 7.5.11: none are reported.
#include "scsi/mode/page.h"
#include "wire/scsi_mode.h"

namespace srpd::scsi {

void build_informational_exceptions_page(const Command&, std::span<std::byte> out) {
  wire::view_mut<wire::InformationalExceptionsPage>(out)->flags =
      wire::InformationalExceptionsPage::dexcpt;
}

}  // namespace srpd::scsi
