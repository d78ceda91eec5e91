#include "scsi/vpd/page.h"

#include <array>

namespace srpd::scsi {
namespace {

constexpr std::array pages{
    VpdPage{0x00, build_supported_pages},
    VpdPage{0x80, build_unit_serial_number},
    VpdPage{0x83, build_device_identification},
    VpdPage{0x86, build_extended_inquiry},
    VpdPage{0xb0, build_block_limits},
    VpdPage{0xb1, build_block_characteristics},
    VpdPage{0xb2, build_logical_block_provisioning},
};

consteval bool is_ascending() {
  for (std::size_t i = 1; i < pages.size(); ++i)
    if (pages[i - 1].code >= pages[i].code) return false;
  return true;
}
static_assert(is_ascending());

}  // namespace

std::span<const VpdPage> vpd_pages() { return pages; }

const VpdPage* find_vpd_page(std::uint8_t code) {
  for (const VpdPage& page : pages)
    if (page.code == code) return &page;
  return nullptr;
}

}  // namespace srpd::scsi
