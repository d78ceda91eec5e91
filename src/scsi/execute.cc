// The path of every command: find its row, check what the row says, serve it. The order of the
// checks is the order in which the standards let errors hide each other (SPC-5 4.2.5, SAM-5 5.3.3):
// unit, unit attention, operation code, asymmetric access, reservations, CDB fields, readiness,
// write protection, range.
#include "scsi/execute.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "scsi/command_table.h"
#include "scsi/forward.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/parameter_data.h"
#include "scsi/sense.h"
#include "scsi/sleep.h"
#include "scsi/unit_attention.h"

namespace srpd::scsi {
namespace {

using runtime::BufferPool;
using runtime::Task;

// The result names the highest bit of the field that the host must not set: the whole run of
// unused bits around it (SPC-5 4.4.2.4.2).
Result unused_bits_set(const Row& row, std::size_t byte, std::uint8_t bad) {
  unsigned bit = static_cast<unsigned>(std::bit_width(bad)) - 1;
  while (bit < 7 && (row.allowed[byte] & 1u << (bit + 1)) == 0) ++bit;
  return sense::invalid_field_in_cdb(static_cast<std::uint16_t>(byte),
                                     static_cast<std::uint8_t>(bit));
}

bool check_unused_bits(const Command& command, const Row& row, Result& result) {
  std::uint64_t cdb[2], allowed[2];
  std::memcpy(cdb, command.cdb.data(), sizeof cdb);
  std::memcpy(allowed, row.allowed.data(), sizeof allowed);
  if (((cdb[0] & ~allowed[0]) | (cdb[1] & ~allowed[1])) == 0) return true;
  for (std::size_t i = 0; i < row.allowed.size(); ++i) {
    const auto bad =
        static_cast<std::uint8_t>(std::to_integer<unsigned>(command.cdb[i]) & ~row.allowed[i]);
    if (bad == 0) continue;
    result = unused_bits_set(row, i, bad);
    break;
  }
  return false;
}

bool check_unit_attention(Command& command, const Row* row, Result& result) {
  if (command.itl == nullptr || (row != nullptr && row->spec.passes_unit_attention)) return true;
  if (command.itl->unit_attentions.load(std::memory_order_relaxed) == 0) return true;
  const auto condition = take_unit_attention(*command.itl);
  if (!condition) return true;
  result = result_from(*condition);
  return false;
}

bool check_reservation(const Command& command, const Spec& spec, Result& result) {
  if (command.itl == nullptr) return true;
  const ReservationLevel level = command.itl->reservation.load(std::memory_order_relaxed);
  if (level == ReservationLevel::everything || !conflicts(spec.reserved, level)) return true;
  result = {Status::reservation_conflict, {}};
  return false;
}

// What concerns the medium: the row has passed the checks of the CDB.
bool check_medium(Command& command, const Spec& spec, Result& result) {
  const Lu& lu = *command.lu;
  if ((spec.access != Access::none || spec.needs_ready) &&
      lu.stopped.load(std::memory_order_relaxed)) {
    result = sense::initializing_command_required();
    return false;
  }
  if (spec.access == Access::write && is_write_protected(*command.itl)) {
    result = sense::write_protected();
    return false;
  }
  if (!spec.extent.present()) return true;
  command.extent = spec.extent(command.cdb);
  if (!lu.contains(command.extent.lba, command.extent.blocks)) {
    result = sense::lba_out_of_range(command.extent.lba);
    return false;
  }
  if (spec.transfer_length_at != 0 && command.extent.blocks > lu.attributes().hw_max_sectors) {
    result = sense::invalid_field_in_cdb(spec.transfer_length_at);
    return false;
  }
  return true;
}

// No unit establishes an ACA condition (NormACA 0), so there is nothing an ACA command could join
// (SAM-5 8.6.5).
bool is_valid(TaskAttribute attribute) {
  return attribute == TaskAttribute::simple || attribute == TaskAttribute::ordered ||
         attribute == TaskAttribute::head_of_queue;
}

bool admit(Command& command, const Row* row, std::uint32_t access, Result& result) {
  if (!is_valid(command.attribute)) {
    result = sense::invalid_message();
    return false;
  }
  if (command.lu == nullptr && (row == nullptr || !row->spec.any_lun)) {
    result = command.lun == report_luns_well_known_lun ? sense::invalid_opcode()
                                                       : sense::logical_unit_not_supported();
    return false;
  }
  if (!check_unit_attention(command, row, result)) return false;
  if (row == nullptr || !is_supported(row->spec, command.lu)) {
    result = is_known_opcode(command.cdb[0]) && row == nullptr ? sense::invalid_field_in_cdb(1, 4)
                                                               : sense::invalid_opcode();
    return false;
  }
  if (access != 0 && !access_permits(access, row->spec, result)) return false;
  if (!check_reservation(command, row->spec, result)) return false;
  if (!check_unused_bits(command, *row, result)) return false;
  return command.lu == nullptr || check_medium(command, row->spec, result);
}

void count(const Command& command) {
  if (command.lu == nullptr) return;
  IoCells::Cell& cell = command.itl->cells[command.loop_index];
  const IoClass io_class = io_class_of(command);
  IoCells::Cell::Class& counts = cell.of(io_class);
  counts.commands.add();
  if (command.aborted)
    cell.count_error(aborted_error_kind);
  else if (!command.result.good())
    cell.count_error(error_kind(command.result, command.device_sense));
  if (io_class != IoClass::other)
    counts.bytes.add(io_class == IoClass::read ? command.moved_in : command.moved_out);
}

void complete(Command& command, const Result& result) {
  command.result = result;
  if (!result.good() || command.aborted) {
    command.moved_in -= command.data_in_size;
    command.data_in = {};
    command.data_in_size = 0;
  }
  count(command);
  command.on_complete();
}

void on_done(void* context, Result result) { complete(*static_cast<Command*>(context), result); }

Task<Result> run_when_buffered(Command& command) {
  BufferPool::Acquire acquire;
  acquire.size = ParameterData::capacity;
  acquire.account = command.buffer_account;
  command.loop->buffers().acquire(acquire);
  co_await acquire;
  command.buffer = acquire.buffer;
  if (command.aborted) co_return Result{};
  co_return command.spec->run(command);
}

void run(Command& command, const Spec& spec) {
  if (spec.data == Data::in) {
    command.buffer =
        command.loop->buffers().try_acquire(ParameterData::capacity, command.buffer_account);
    if (!command.buffer) return run_when_buffered(command).detach(on_done, &command);
  }
  complete(command, spec.run(command));
}

// At a port that is not the best one, so that hosts prefer others.
Task<Result> run_delayed(Command& command, std::uint32_t delay_ms) {
  Sleep sleep;
  sleep.start(*command.loop, std::chrono::milliseconds(delay_ms));
  co_await sleep;
  if (command.aborted) co_return Result{};
  const Spec& spec = *command.spec;
  if (spec.start.present()) co_return co_await spec.start(command);
  if (spec.data == Data::in) co_return co_await run_when_buffered(command);
  co_return spec.run(command);
}

}  // namespace

IoClass io_class_of(const Command& command) {
  return command.spec == nullptr ? IoClass::other : command.spec->io_class;
}

std::span<const std::byte> Command::sense_data(std::span<std::byte, max_sense_length> room) const {
  if (!device_sense.empty()) return device_sense;
  const bool descriptors =
      itl != nullptr && itl->lu->descriptor_sense.load(std::memory_order_relaxed);
  return room.first(encode_sense(result.sense, descriptors, room));
}

void execute(Command& command) {
  CHECK(command.cdb.size() >= 16);
  command.lu = command.itl == nullptr ? nullptr : command.itl->lu;
  Result result;
  const Row* const row = find_command(command.cdb);
  if (row != nullptr) command.spec = &row->spec;
  if (goes_to_device(command) && is_valid(command.attribute))
    return forward(command).detach(on_done, &command);
  const std::uint32_t access =
      command.itl == nullptr ? 0 : command.itl->access.load(std::memory_order_relaxed);
  if (!admit(command, row, access, result)) return complete(command, result);
  const Spec& spec = row->spec;
  if (const std::uint32_t delay_ms = access_delay_ms(access); delay_ms != 0)
    return run_delayed(command, delay_ms).detach(on_done, &command);
  if (spec.run.present()) return run(command, spec);
  if (spec.run_mapped.present() && spec.run_mapped(command, result))
    return complete(command, result);
  spec.start(command).detach(on_done, &command);
}

}  // namespace srpd::scsi
