#include "scsi/commands/inquiry.h"

#include <cstdint>

#include "scsi/execute.h"
#include "scsi/lu.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "scsi/vpd/page.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_inquiry.h"

namespace srpd::scsi {
namespace {

// Version descriptors, SPC-5 annex D: SAM-5, SRP, SPC-4, SBC-3 (no version claimed), in LIO's
// order.
constexpr std::uint16_t version_descriptors[] = {0x00a0, 0x0940, 0x0460, 0x04c0};

std::uint8_t peripheral(const Command& command) {
  if (command.lu != nullptr) return wire::peripheral_disk;
  return command.lun == report_luns_well_known_lun ? wire::peripheral_well_known
                                                   : wire::peripheral_none;
}

Result standard_inquiry(Command& command, std::uint16_t allocation_length) {
  ParameterData data(command);
  auto& inquiry = data.add<wire::StandardInquiry>();
  inquiry.peripheral = peripheral(command);
  inquiry.version = wire::inquiry_version_spc4;
  inquiry.response_format = wire::inquiry_response_format;
  inquiry.additional_length = sizeof inquiry - 5;
  inquiry.flags7 = wire::inquiry_cmdque;
  if (command.lu != nullptr && command.lu->attributes().alua_support) {
    const TargetPortGroup group = command.lu->port_groups().group_of(command.itl->port.get());
    inquiry.flags5 = static_cast<std::uint8_t>(wire::inquiry_sccs |
                                               group.access_type << wire::inquiry_tpgs_shift);
  }
  // Where there is no unit, LIO's defaults name the target.
  static const LuIdentity nobody;
  const LuIdentity& identity = command.lu == nullptr ? nobody : command.lu->identity();
  put_text(inquiry.vendor, identity.vendor);
  put_text(inquiry.product, identity.product);
  put_text(inquiry.revision, identity.revision);
  for (std::size_t i = 0; i < std::size(version_descriptors); ++i)
    inquiry.version_descriptors[i] = version_descriptors[i];
  return data.send(allocation_length);
}

Result vpd_inquiry(Command& command, std::uint8_t page_code, std::uint16_t allocation_length) {
  if (command.lu == nullptr) return sense::logical_unit_not_supported();
  const VpdPage* const page = find_vpd_page(page_code);
  if (page == nullptr) return sense::invalid_field_in_cdb(2);
  ParameterData data(command);
  auto& header = data.add<wire::VpdHeader>();
  header.peripheral = peripheral(command);
  header.page = page_code;
  page->build(command, data);
  header.length = static_cast<std::uint16_t>(data.size() - sizeof header);
  return data.send(allocation_length);
}

}  // namespace

Result inquiry(Command& command) {
  const auto& cdb = *wire::view<wire::InquiryCdb>(command.cdb);
  if ((cdb.flags & wire::inquiry_evpd) != 0) return vpd_inquiry(command, cdb.page, cdb.length);
  if (cdb.page != 0) return sense::invalid_field_in_cdb(2);
  return standard_inquiry(command, cdb.length);
}

}  // namespace srpd::scsi
