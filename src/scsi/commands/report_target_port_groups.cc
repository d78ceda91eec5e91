// A unit can have 65,536 groups. Those that come meanwhile and do not fit are counted in the length
// field.
#include "scsi/commands/report_target_port_groups.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/sense.h"
#include "scsi/sized_data.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {
namespace {

using Cdb = wire::TargetPortGroupsCdb;

enum class Format : std::uint8_t { length_only = 0, extended = 1 };

Format format_of(const Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  return static_cast<Format>(cdb.service_action >> Cdb::format_shift);
}

std::size_t build(Command& command, std::span<std::byte> out) {
  return command.lu->port_groups().report(format_of(command) == Format::extended,
                                          command.itl->port.get(), out);
}

}  // namespace

runtime::Task<Result> report_target_port_groups(Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  if (format_of(command) > Format::extended) co_return sense::invalid_field_in_cdb(1, 7);
  co_return co_await send_sized(command, build, cdb.length);
}

}  // namespace srpd::scsi
