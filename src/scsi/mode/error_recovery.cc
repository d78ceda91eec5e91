// Read-write error recovery page 01h, SBC-4 6.5.9: nothing is retried or reassigned here, the
// backstore does that.
#include "scsi/mode/page.h"

namespace srpd::scsi {

void build_error_recovery_page(const Command&, std::span<std::byte>) {}

}  // namespace srpd::scsi
