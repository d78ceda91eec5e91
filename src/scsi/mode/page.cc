#include "scsi/mode/page.h"

#include <array>

#include "wire/scsi_mode.h"

namespace srpd::scsi {
namespace {

constexpr std::array pages{
    ModePage{0x01, 0, sizeof(wire::ErrorRecoveryPage), build_error_recovery_page},
    ModePage{0x08, 0, sizeof(wire::CachingPage), build_caching_page},
    ModePage{0x0a, 0, sizeof(wire::ControlPage), build_control_page},
    ModePage{0x1c, 0, sizeof(wire::InformationalExceptionsPage),
             build_informational_exceptions_page},
};

consteval bool is_ascending() {
  for (std::size_t i = 1; i < pages.size(); ++i)
    if (pages[i - 1].code * 256 + pages[i - 1].subpage >= pages[i].code * 256 + pages[i].subpage)
      return false;
  return true;
}
static_assert(is_ascending());

}  // namespace

std::span<const ModePage> mode_pages() { return pages; }

}  // namespace srpd::scsi
