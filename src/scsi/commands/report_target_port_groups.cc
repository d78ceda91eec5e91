// A unit can have 65,536 groups, so the list asks for a buffer of its own size, as REPORT LUNS
// does.
#include "scsi/commands/report_target_port_groups.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "scsi/block_io.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {
namespace {

using Cdb = wire::TargetPortGroupsCdb;

enum class Format : std::uint8_t { length_only = 0, extended = 1 };

Format format_of(const Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  return static_cast<Format>(cdb.service_action >> Cdb::format_shift);
}

std::size_t build(const Command& command, std::span<std::byte> out) {
  return command.lu->port_groups().report(format_of(command) == Format::extended,
                                          command.itl->port.get(), out);
}

}  // namespace

runtime::Task<Result> report_target_port_groups(Command& command) {
  const auto& cdb = *wire::view<Cdb>(command.cdb);
  if (format_of(command) > Format::extended) co_return sense::invalid_field_in_cdb(1, 7);
  BufferRequest request;
  request.start(command, build(command, {}));
  co_await request;
  command.buffer = request.buffer;
  if (command.aborted) co_return Result{};
  // Groups that came meanwhile and do not fit are counted in the length field.
  const std::size_t length =
      std::min<std::size_t>(build(command, command.buffer.bytes()), command.buffer.size);
  co_return send_buffer(command, length, cdb.length);
}

}  // namespace srpd::scsi
