// The list grows with the LUNs a host sees (16,384 of them take 128 KiB), so unlike other parameter
// data it asks for a buffer of its own size.
#include "scsi/commands/report_luns.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "scsi/block_io.h"
#include "scsi/execute.h"
#include "scsi/nexus.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

struct Selection {
  bool valid = true;
  bool units = false;
  bool well_known = false;
};

// SPC-5 table 233. There are no conglomerates: every unit is "not part of one" (11h), none is an
// administrative unit (10h) or subsidiary to one (12h).
Selection select(std::uint8_t report) {
  switch (report) {
    case 0x00:
    case 0x11:
      return {.units = true};
    case 0x01:
      return {.well_known = true};
    case 0x02:
      return {.units = true, .well_known = true};
    case 0x10:
    case 0x12:
      return {};
    default:
      return {.valid = false};
  }
}

std::size_t list_length(const Command& command, const Selection& selection) {
  const std::size_t units = selection.units ? command.nexus->luns().size() : 0;
  return (units + (selection.well_known ? 1 : 0)) * sizeof(wire::be64);
}

void write_list(Command& command, const Selection& selection, std::size_t length) {
  const auto out = command.buffer.bytes();
  auto& header = *wire::view_mut<wire::ReportLunsHeader>(out);
  header = {static_cast<std::uint32_t>(length), 0};
  std::size_t at = sizeof header;
  const auto put = [&](std::uint64_t lun) {
    *wire::view_mut<wire::be64>(out.subspan(at)) = lun;
    at += sizeof(wire::be64);
  };
  LunMap& luns = command.nexus->luns();
  for (std::size_t i = 0; selection.units && i < luns.size(); ++i) put(luns.at(i).lun);
  if (selection.well_known) put(report_luns_well_known_lun);
}

// The list tells what the condition announces (SPC-5 6.33.1).
void clear_luns_changed(LunMap& luns) {
  const auto mask = ~(1u << static_cast<unsigned>(UnitAttention::reported_luns_changed));
  for (std::size_t i = 0; i < luns.size(); ++i)
    luns.at(i).unit_attentions.fetch_and(mask, std::memory_order_acq_rel);
}

}  // namespace

runtime::Task<Result> report_luns(Command& command) {
  const auto& cdb = *wire::view<wire::ReportLunsCdb>(command.cdb);
  const Selection selection = select(cdb.select_report);
  if (!selection.valid) co_return sense::invalid_field_in_cdb(2);
  // SPC-5 6.33.1: the header and two entries are the least a host may ask for.
  if (cdb.length < 16) co_return sense::invalid_field_in_cdb(6);
  const std::size_t length = list_length(command, selection);
  BufferRequest request;
  request.start(command, sizeof(wire::ReportLunsHeader) + length);
  co_await request;
  command.buffer = request.buffer;
  if (command.aborted) co_return Result{};
  write_list(command, selection, length);
  clear_luns_changed(command.nexus->luns());
  co_return send_buffer(command, sizeof(wire::ReportLunsHeader) + length, cdb.length);
}

}  // namespace srpd::scsi
