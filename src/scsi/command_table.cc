// One row per command, by operation code. A new command adds its header and its line here; the
// consteval check refuses rows that contradict each other or themselves.
#include "scsi/command_table.h"

#include <array>
#include <cstdint>

#include "base/check.h"
#include "scsi/commands/inquiry.h"
#include "scsi/commands/mode_sense.h"
#include "scsi/commands/persistent_reserve_in.h"
#include "scsi/commands/persistent_reserve_out.h"
#include "scsi/commands/read.h"
#include "scsi/commands/read_capacity.h"
#include "scsi/commands/release.h"
#include "scsi/commands/report_luns.h"
#include "scsi/commands/report_supported_operation_codes.h"
#include "scsi/commands/report_target_port_groups.h"
#include "scsi/commands/request_sense.h"
#include "scsi/commands/reserve.h"
#include "scsi/commands/send_diagnostic.h"
#include "scsi/commands/set_target_port_groups.h"
#include "scsi/commands/start_stop_unit.h"
#include "scsi/commands/synchronize_cache.h"
#include "scsi/commands/test_unit_ready.h"
#include "scsi/commands/unmap.h"
#include "scsi/commands/verify.h"
#include "scsi/commands/write.h"
#include "scsi/commands/write_same.h"

namespace srpd::scsi {
namespace {

constexpr std::array specs{
    test_unit_ready_spec,                   //
    request_sense_spec,                     //
    read_6_spec,                            //
    write_6_spec,                           //
    inquiry_spec,                           //
    reserve_6_spec,                         //
    release_6_spec,                         //
    mode_sense_6_spec,                      //
    start_stop_unit_spec,                   //
    send_diagnostic_spec,                   //
    read_capacity_10_spec,                  //
    read_10_spec,                           //
    write_10_spec,                          //
    verify_10_spec,                         //
    synchronize_cache_10_spec,              //
    write_same_10_spec,                     //
    unmap_spec,                             //
    reserve_10_spec,                        //
    release_10_spec,                        //
    mode_sense_10_spec,                     //
    persistent_reserve_in_spec[0],          //
    persistent_reserve_in_spec[1],          //
    persistent_reserve_in_spec[2],          //
    persistent_reserve_in_spec[3],          //
    persistent_reserve_out_spec[0],         //
    persistent_reserve_out_spec[1],         //
    persistent_reserve_out_spec[2],         //
    persistent_reserve_out_spec[3],         //
    persistent_reserve_out_spec[4],         //
    persistent_reserve_out_spec[5],         //
    persistent_reserve_out_spec[6],         //
    persistent_reserve_out_spec[7],         //
    read_16_spec,                           //
    write_16_spec,                          //
    verify_16_spec,                         //
    synchronize_cache_16_spec,              //
    write_same_16_spec,                     //
    read_capacity_16_spec,                  //
    report_luns_spec,                       //
    report_target_port_groups_spec,         //
    report_supported_operation_codes_spec,  //
    set_target_port_groups_spec,            //
    read_12_spec,                           //
    write_12_spec,                          //
    verify_12_spec,                         //
};

// The length that the group code, the upper three bits of the operation code, gives
// (SPC-5 4.2.5.1).
constexpr std::uint8_t length_of_group(std::uint8_t opcode) {
  constexpr std::array<std::uint8_t, 8> lengths{6, 10, 10, 0, 16, 12, 0, 0};
  return lengths[opcode >> 5];
}

constexpr bool is_well_formed(const Spec& spec) {
  if (spec.name.empty() || spec.cdb_length != length_of_group(spec.opcode)) return false;
  if (spec.usage[0] != spec.opcode) return false;
  if (spec.service_action && (spec.usage[1] & 0x1f) != *spec.service_action) return false;
  for (std::size_t i = spec.cdb_length; i < spec.usage.size(); ++i)
    if (spec.usage[i] != 0) return false;
  if (spec.run.present() == spec.start.present()) return false;
  if (spec.run_mapped.present() && !spec.start.present()) return false;
  if (spec.run.present() && spec.data == Data::out) return false;
  if (spec.transfer_length_at != 0 && !spec.extent.present()) return false;
  // Without a unit there is neither medium nor state to check.
  return !spec.any_lun || (spec.access == Access::none && !spec.extent.present());
}

// Rows are in ascending order, so that equal ones would be neighbours; all rows of an operation
// code have a service action, or it has one row.
constexpr bool may_follow(const Spec& before, const Spec& after) {
  if (before.opcode != after.opcode) return before.opcode < after.opcode;
  return before.service_action && after.service_action &&
         *before.service_action < *after.service_action;
}

consteval bool table_is_sound() {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!is_well_formed(specs[i])) return false;
    if (i > 0 && !may_follow(specs[i - 1], specs[i])) return false;
  }
  return true;
}
static_assert(table_is_sound(), "a row of the command table is malformed, out of order or double");

constexpr std::uint8_t control_vendor_specific = 0xc0;

constexpr Row row_of(const Spec& spec) {
  Row row{spec, spec.usage};
  row.allowed[spec.cdb_length - 1u] |= control_vendor_specific;
  for (std::size_t i = spec.cdb_length; i < row.allowed.size(); ++i) row.allowed[i] = 0xff;
  return row;
}

constexpr std::array<Row, specs.size()> make_rows() {
  std::array<Row, specs.size()> rows{};
  for (std::size_t i = 0; i < specs.size(); ++i) rows[i] = row_of(specs[i]);
  return rows;
}
constexpr auto rows = make_rows();

constexpr std::uint8_t no_row = 0xff;
static_assert(rows.size() < no_row);

// The first row of each operation code.
constexpr std::array<std::uint8_t, 256> make_index() {
  std::array<std::uint8_t, 256> index{};
  index.fill(no_row);
  for (std::size_t i = rows.size(); i-- > 0;)
    index[rows[i].spec.opcode] = static_cast<std::uint8_t>(i);
  return index;
}
constexpr auto first_row = make_index();

}  // namespace

std::span<const Row> command_table() { return rows; }

const Row* find_command(std::uint8_t opcode, std::uint16_t service_action) {
  for (std::size_t i = first_row[opcode]; i < rows.size() && rows[i].spec.opcode == opcode; ++i)
    if (rows[i].spec.service_action.value_or(service_action) == service_action) return &rows[i];
  return nullptr;
}

const Row* find_command(std::span<const std::byte> cdb) {
  return find_command(std::to_integer<std::uint8_t>(cdb[0]),
                      std::to_integer<std::uint8_t>(cdb[1] & std::byte{0x1f}));
}

bool is_known_opcode(std::byte opcode) {
  return first_row[std::to_integer<std::uint8_t>(opcode)] != no_row;
}

bool has_service_actions(std::uint8_t opcode) {
  const std::uint8_t first = first_row[opcode];
  return first != no_row && rows[first].spec.service_action.has_value();
}

bool is_supported(const Spec& spec, const Lu* lu) {
  return spec.supported == nullptr || (lu != nullptr && spec.supported(*lu));
}

}  // namespace srpd::scsi
