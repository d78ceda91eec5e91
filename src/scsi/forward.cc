#include "scsi/forward.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/sense.h"
#include "scsi/spec.h"
#include "scsi/unit_attention.h"
#include "store/pass_through.h"
#include "wire/endian.h"
#include "wire/scsi_sense.h"

namespace srpd::scsi {
namespace {

using Direction = store::ScsiOperation::Direction;

constexpr std::uint8_t inquiry_opcode = 0x12;
constexpr std::uint8_t mode_sense_6_opcode = 0x1a;
constexpr std::uint8_t mode_sense_10_opcode = 0x5a;
constexpr std::uint8_t report_luns_opcode = 0xa0;
constexpr std::uint8_t variable_length_opcode = 0x7f;

std::uint8_t opcode_of(const Command& command) {
  return std::to_integer<std::uint8_t>(command.cdb[0]);
}

// Of these the device takes as many bytes as the group code says (SPC-5 4.2.5.1); the vendor
// specific groups 6 and 7 as Linux sends them.
std::span<const std::byte> whole_cdb(const Command& command) {
  constexpr std::array<std::size_t, 8> lengths{6, 10, 10, 0, 16, 12, 10, 10};
  const std::uint8_t opcode = opcode_of(command);
  std::size_t length = lengths[opcode >> 5];
  if (opcode == variable_length_opcode)
    length = 8 + std::to_integer<std::size_t>(command.cdb[7]);  // ADDITIONAL CDB LENGTH
  return command.cdb.first(std::min(length, command.cdb.size()));
}

// Reservations are the device's own: LIO's emulate_pr can only take the commands away.
bool is_reservation(std::uint8_t opcode) {
  constexpr std::array<std::uint8_t, 6> opcodes{0x16, 0x17, 0x56, 0x57, 0x5e, 0x5f};
  return std::find(opcodes.begin(), opcodes.end(), opcode) != opcodes.end();
}

// Whatever sends data to the device, and what changes the medium without: what a command does is
// the device's business, so that a protected mapping refuses more than it must.
bool may_write(const Command& command) {
  constexpr std::array<std::uint8_t, 12> without_data{
      0x04,  // FORMAT UNIT
      0x0b,  // SET CAPACITY (tape)
      0x10,  // WRITE FILEMARKS(6)
      0x19,  // ERASE(6)
      0x48,  // SANITIZE
      0x53,  // RESERVE TRACK
      0x5b,  // CLOSE TRACK/SESSION
      0x80,  // WRITE FILEMARKS(16)
      0x85,  // ATA PASS-THROUGH(16)
      0x93,  // WRITE SAME(16), ERASE(16)
      0xa1,  // ATA PASS-THROUGH(12), BLANK
      0xa4,  // MAINTENANCE OUT
  };
  if (command.data_out_length != 0) return true;
  return std::find(without_data.begin(), without_data.end(), opcode_of(command)) !=
         without_data.end();
}

bool check_unit_attention(Command& command, Result& result) {
  if (command.spec != nullptr && command.spec->passes_unit_attention) return true;
  if (command.itl->unit_attentions.load(std::memory_order_relaxed) == 0) return true;
  const auto condition = take_unit_attention(*command.itl);
  if (!condition) return true;
  result = result_from(*condition);
  return false;
}

bool admit(Command& command, std::uint64_t length, Result& result) {
  if (!check_unit_attention(command, result)) return false;
  if (is_reservation(opcode_of(command)) && !command.lu->attributes().emulate_pr) {
    result = sense::invalid_opcode();
  } else if (is_write_protected(*command.itl) && may_write(command)) {
    result = sense::write_protected();
  } else if (command.data_out_length != 0 && command.data_in_length != 0) {
    result = sense::invalid_field_in_information_unit();  // SG_IO moves data one way
  } else if (length > command.lu->store().properties().max_transfer_bytes) {
    result = sense::invalid_field_in_information_unit();
  } else {
    return true;
  }
  return false;
}

// Linux adds up what INQUIRY data say with what it may send at once: pages that a device has say
// what the device takes, not what goes through here.
void limit_transfer_length(Command& command, std::span<std::byte> page) {
  constexpr std::size_t maximum_at = 8, optimal_at = 12;  // SBC-4 6.6.4
  const std::uint32_t limit =
      command.lu->store().properties().max_transfer_bytes / command.lu->block_size();
  for (const std::size_t at : {maximum_at, optimal_at}) {
    auto* const field = wire::view_mut<wire::be32>(page.subspan(std::min(at, page.size())));
    if (field == nullptr) return;
    const std::uint32_t value = *field;
    const bool unlimited = value == 0 && at == maximum_at;
    if (unlimited || value > limit) *field = limit;
  }
}

// SBC-4 6.5.1 and SSC-5 8.3: WP is bit 7 of the DEVICE-SPECIFIC PARAMETER in the mode parameter
// header.
void set_write_protected(std::span<std::byte> header, std::size_t at) {
  if (header.size() > at) header[at] |= std::byte{0x80};
}

// The only data that are not handed on as they are: what the device cannot know.
void amend(Command& command, std::span<std::byte> data) {
  const std::uint8_t opcode = opcode_of(command);
  const bool block_limits = opcode == inquiry_opcode &&
                            (command.cdb[1] & std::byte{1}) != std::byte{} &&
                            command.cdb[2] == std::byte{0xb0};
  const std::uint8_t type = command.lu->store().pass_through()->identity().device_type;
  const bool disk = type == 0x00 || type == 0x14;
  if (block_limits && disk) limit_transfer_length(command, data);
  if (!is_write_protected(*command.itl)) return;
  if (opcode == mode_sense_6_opcode) set_write_protected(data, 2);
  if (opcode == mode_sense_10_opcode) set_write_protected(data, 3);
}

// The device tells a condition once, to us: the other hosts have to hear of it as well.
void spread_unit_attention(Command& command) {
  const std::span<const std::byte> sense = command.device_sense;
  const bool descriptors = !sense.empty() && (sense[0] & std::byte{0x7e}) == std::byte{0x72};
  if (sense.size() < (descriptors ? 4u : 14u)) return;
  const auto key =
      static_cast<SenseKey>(std::to_integer<unsigned>(sense[descriptors ? 1 : 2]) & 0xf);
  if (key != SenseKey::unit_attention) return;
  const unsigned code = std::to_integer<unsigned>(sense[descriptors ? 2 : 12]) << 8 |
                        std::to_integer<unsigned>(sense[descriptors ? 3 : 13]);
  struct Condition {
    unsigned code;
    UnitAttention told;
  };
  constexpr std::array<Condition, 5> conditions{{
      {0x2a01, UnitAttention::mode_parameters_changed},
      {0x2a09, UnitAttention::capacity_changed},
      {0x2f00, UnitAttention::commands_cleared},
      {0x3f01, UnitAttention::microcode_changed},
      {0x3f03, UnitAttention::inquiry_data_changed},
  }};
  // All of 29h: the device has been reset, or began anew.
  if (code >> 8 == 0x29) return command.lu->raise(UnitAttention::bus_device_reset, command.itl);
  for (const Condition& condition : conditions)
    if (condition.code == code) return command.lu->raise(condition.told, command.itl);
}

Result result_of(Command& command, const store::ScsiOperation& operation) {
  if (operation.result() == -EINVAL) return sense::invalid_opcode();
  if (operation.result() < 0) {
    const bool out = operation.direction == Direction::out;
    return result_from(operation.result(),
                       out ? store::Operation::Kind::write : store::Operation::Kind::read);
  }
  const Result result{static_cast<Status>(operation.status), {}};
  if (result.status != Status::check_condition) return result;
  // CHECK CONDITION without sense data tells a host nothing.
  if (operation.sense_length == 0) return sense::check_condition(SenseKey::hardware_error, 0x4400);
  command.device_sense = std::span(command.device_sense_storage).first(operation.sense_length);
  spread_unit_attention(command);
  return result;
}

void start(Command& command, store::ScsiOperation& operation) {
  operation.cdb = whole_cdb(command);
  operation.sense = command.device_sense_storage;
  if (command.data_out_length != 0) operation.direction = Direction::out;
  if (command.data_in_length != 0) operation.direction = Direction::in;
  if (operation.direction != Direction::none) operation.data = command.buffer.bytes();
  // A device that says it moved more than it did must not show one host what another has read.
  if (operation.direction == Direction::in)
    std::memset(operation.data.data(), 0, operation.data.size());
  command.device_operation = &operation;
  command.lu->store().pass_through()->submit(*command.loop, operation);
}

}  // namespace

bool goes_to_device(const Command& command) {
  return command.lu != nullptr && command.lu->store().pass_through() != nullptr &&
         opcode_of(command) != report_luns_opcode;
}

void cancel_at_device(Command& command) {
  if (command.device_operation != nullptr)
    command.lu->store().pass_through()->cancel(*command.device_operation);
}

runtime::Task<Result> forward(Command& command) {
  const std::uint64_t length = std::max(command.data_out_length, command.data_in_length);
  Result result;
  if (!admit(command, length, result)) co_return result;
  BufferRequest request;
  DataMove move;
  store::ScsiOperation operation;
  int rc = 0;
  if (length != 0) {
    request.start(command, length);
    co_await request;
    command.buffer = request.buffer;
  }
  if (command.data_out_length != 0 && !command.aborted) {
    move.fetch(command, 0, static_cast<std::uint32_t>(length), command.buffer.data);
    rc = co_await move;
    if (rc < 0) co_return result_from_transfer(rc);
  }
  if (command.aborted) co_return Result{};
  start(command, operation);
  rc = co_await operation;
  command.device_operation = nullptr;
  result = result_of(command, operation);
  if (rc < 0 || command.aborted) co_return result;

  const std::uint64_t moved = length - operation.residual;
  if (operation.direction == Direction::out) command.wanted_out = command.moved_out = moved;
  if (operation.direction != Direction::in || moved == 0) co_return result;
  amend(command, command.buffer.bytes().first(moved));
  // Ahead of the response: a tape returns data and CHECK CONDITION together.
  move.deliver(command, 0, static_cast<std::uint32_t>(moved), command.buffer.data);
  rc = co_await move;
  if (rc < 0) co_return result_from_transfer(rc);
  command.wanted_in = command.moved_in = moved;
  co_return result;
}

}  // namespace srpd::scsi
