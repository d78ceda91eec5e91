// The list grows with the LUNs a host sees: 16,384 of them take 128 KiB.
//
// LUNs come and go meanwhile. REPORTED LUNS DATA HAS CHANGED is raised after such a change:
// clearing it ahead of reading the list loses none.
#include "scsi/commands/report_luns.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/execute.h"
#include "scsi/nexus.h"
#include "scsi/sense.h"
#include "scsi/sized_data.h"
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

// Entries that a list may need to hold: some more than there are, since LUNs may be added while the
// command waits for its buffer.
std::size_t expected_entries(const Command& command, const Selection& selection) {
  constexpr std::size_t margin = 64;
  const std::size_t units = selection.units ? command.nexus->luns().size() + margin : 0;
  return units + (selection.well_known ? 1 : 0);
}

/// Returns the bytes of header and list.
std::size_t write_list(const Command& command, const Selection& selection,
                       std::span<std::byte> out) {
  std::size_t at = sizeof(wire::ReportLunsHeader);
  bool fits = true;
  const auto put = [&](std::uint64_t lun) {
    fits = out.size() - at >= sizeof(wire::be64);
    if (!fits) return;
    *wire::view_mut<wire::be64>(out.subspan(at)) = lun;
    at += sizeof(wire::be64);
  };
  const LunMap& luns = command.nexus->luns();
  if (selection.units) luns.for_each([&](const ItlNexus& unit) { put(unit.lun); });
  if (selection.well_known) put(report_luns_well_known_lun);
  // More than the margin were added: the host is to ask again.
  if (!fits)
    luns.for_each([](ItlNexus& unit) { unit.raise(UnitAttention::reported_luns_changed); });
  *wire::view_mut<wire::ReportLunsHeader>(out) = {
      static_cast<std::uint32_t>(at - sizeof(wire::ReportLunsHeader)), 0};
  return at;
}

// The list tells what the condition announces (SPC-5 6.33.1).
void clear_luns_changed(const LunMap& luns) {
  constexpr auto bit = 1u << static_cast<unsigned>(UnitAttention::reported_luns_changed);
  luns.for_each([](ItlNexus& unit) {
    if ((unit.unit_attentions.load(std::memory_order_relaxed) & bit) != 0)
      unit.unit_attentions.fetch_and(~bit, std::memory_order_acq_rel);
  });
}

std::size_t build(Command& command, std::span<std::byte> out) {
  const Selection selection = select(wire::view<wire::ReportLunsCdb>(command.cdb)->select_report);
  if (out.empty())
    return sizeof(wire::ReportLunsHeader) +
           expected_entries(command, selection) * sizeof(wire::be64);
  clear_luns_changed(command.nexus->luns());
  return write_list(command, selection, out);
}

}  // namespace

runtime::Task<Result> report_luns(Command& command) {
  const auto& cdb = *wire::view<wire::ReportLunsCdb>(command.cdb);
  if (!select(cdb.select_report).valid) co_return sense::invalid_field_in_cdb(2);
  // SPC-5 6.33.1: the header and two entries are the least a host may ask for.
  if (cdb.length < 16) co_return sense::invalid_field_in_cdb(6);
  co_return co_await send_sized(command, build, cdb.length);
}

}  // namespace srpd::scsi
