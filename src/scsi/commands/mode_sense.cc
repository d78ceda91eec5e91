#include "scsi/commands/mode_sense.h"

#include <algorithm>
#include <cstdint>

#include "scsi/lu.h"
#include "scsi/mode/page.h"
#include "scsi/nexus.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_mode.h"

namespace srpd::scsi {
namespace {

constexpr std::uint8_t all_pages = 0x3f;
constexpr std::uint8_t all_subpages = 0xff;

// What both CDBs ask for.
struct Request {
  PageControl control;
  std::uint8_t page;
  std::uint8_t subpage;
  bool descriptors;
  bool long_lba;
};

Request request_of(std::uint8_t flags, std::uint8_t page, std::uint8_t subpage) {
  return {.control = static_cast<PageControl>(page >> wire::mode_sense_control_shift),
          .page = static_cast<std::uint8_t>(page & wire::mode_sense_page_mask),
          .subpage = subpage,
          .descriptors = (flags & wire::mode_sense_dbd) == 0,
          .long_lba = (flags & wire::mode_sense_llbaa) != 0};
}

bool matches(const Request& request, const ModePage& page) {
  const bool page_fits = request.page == all_pages || request.page == page.code;
  const bool subpage_fits = request.subpage == all_subpages || request.subpage == page.subpage;
  return page_fits && subpage_fits;
}

// Refusals in order of SPC-5 6.14.2: nothing can be saved; a page that is not there; page 3Fh has
// only the two subpage values.
bool is_refused(const Request& request, Result& result) {
  if (request.control == PageControl::saved) {
    result = sense::saving_parameters_not_supported();
    return true;
  }
  const auto pages = mode_pages();
  const auto fits = [&](const ModePage& page) { return matches(request, page); };
  if (std::any_of(pages.begin(), pages.end(), fits)) return false;
  const bool page_exists = std::any_of(
      pages.begin(), pages.end(), [&](const ModePage& page) { return page.code == request.page; });
  if (page_exists || request.page == all_pages)
    result = sense::invalid_field_in_cdb(3);
  else
    result = sense::invalid_field_in_cdb(2, 5);
  return true;
}

std::uint8_t device_specific(const Command& command) {
  std::uint8_t value = 0;
  if (is_write_protected(*command.itl)) value |= wire::mode_write_protected;
  const LuAttributes& attributes = command.lu->attributes();
  if (attributes.emulate_dpo && attributes.emulate_fua_read && attributes.emulate_fua_write)
    value |= wire::mode_dpofua;
  return value;
}

std::uint8_t add_block_descriptor(const Command& command, const Request& request,
                                  ParameterData& data) {
  if (!request.descriptors) return 0;
  const std::uint64_t blocks = command.lu->block_count();
  if (request.long_lba) {
    auto& descriptor = data.add<wire::LongBlockDescriptor>();
    descriptor.block_count = blocks;
    descriptor.block_size = command.lu->block_size();
    return sizeof descriptor;
  }
  auto& descriptor = data.add<wire::ShortBlockDescriptor>();
  descriptor.block_count = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, UINT32_MAX));
  descriptor.block_size = command.lu->block_size();
  return sizeof descriptor;
}

void add_pages(const Command& command, const Request& request, ParameterData& data) {
  for (const ModePage& page : mode_pages()) {
    if (!matches(request, page)) continue;
    auto& header = data.add<wire::ModePageHeader>();
    header.code = page.code;
    header.length = page.length;
    const auto out = data.add_bytes(page.length);
    if (request.control != PageControl::changeable) page.build(command, out);
  }
}

}  // namespace

Result mode_sense_6(Command& command) {
  const auto& cdb = *wire::view<wire::ParameterCdb6>(command.cdb);
  const Request request = request_of(cdb.flags, cdb.page, cdb.subpage);
  Result result;
  if (is_refused(request, result)) return result;
  ParameterData data(command);
  auto& header = data.add<wire::ModeHeader6>();
  header.device_specific = device_specific(command);
  header.descriptor_length = add_block_descriptor(command, request, data);
  add_pages(command, request, data);
  header.data_length = static_cast<std::uint8_t>(data.size() - sizeof header.data_length);
  return data.send(cdb.length);
}

Result mode_sense_10(Command& command) {
  const auto& cdb = *wire::view<wire::ModeSense10Cdb>(command.cdb);
  const Request request = request_of(cdb.flags, cdb.page, cdb.subpage);
  Result result;
  if (is_refused(request, result)) return result;
  ParameterData data(command);
  auto& header = data.add<wire::ModeHeader10>();
  header.device_specific = device_specific(command);
  if (request.descriptors && request.long_lba) header.flags = wire::ModeHeader10::long_lba;
  header.descriptor_length = add_block_descriptor(command, request, data);
  add_pages(command, request, data);
  header.data_length = static_cast<std::uint16_t>(data.size() - sizeof header.data_length);
  return data.send(cdb.length);
}

}  // namespace srpd::scsi
