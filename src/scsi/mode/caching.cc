// Caching page 08h, SBC-4 6.5.6. WCE follows from how the store is opened, and
// whether the unit writes through its cache; hosts cannot set it.
#include "scsi/lu.h"
#include "scsi/mode/page.h"
#include "wire/scsi_mode.h"

namespace srpd::scsi {

void build_caching_page(const Command& command, std::span<std::byte> out) {
  auto& page = *wire::view_mut<wire::CachingPage>(out);
  if (command.lu->shows_write_cache()) page.flags = wire::CachingPage::wce;
  page.flags12 = wire::CachingPage::dra;  // nothing is read ahead on a host's behalf
}

}  // namespace srpd::scsi
