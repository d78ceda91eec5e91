// Control page 0Ah, SPC-5 7.5.10.
#include "scsi/lu.h"
#include "scsi/mode/page.h"
#include "scsi/nexus.h"
#include "wire/scsi_mode.h"

namespace srpd::scsi {

void build_control_page(const Command& command, std::span<std::byte> out) {
  using Page = wire::ControlPage;
  auto& page = *wire::view_mut<Page>(out);
  // A task set per nexus; no log pages are saved on their own.
  page.flags2 = Page::tst_per_nexus | Page::gltsd;
  if (command.lu->descriptor_sense.load(std::memory_order_relaxed)) page.flags2 |= Page::d_sense;
  page.flags3 = Page::qam_unrestricted;  // SIMPLE commands are not ordered among each other
  if (is_write_protected(*command.itl)) page.flags4 = Page::swp;
  if (command.lu->attributes().emulate_tas) page.flags5 = Page::tas;
  page.busy_timeout = 0xffff;  // unlimited
}

}  // namespace srpd::scsi
