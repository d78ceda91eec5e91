// What a Connection sends: commands with their data buffer descriptors, and task management.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "initiator/connection.h"

namespace srpd::initiator {
namespace {

constexpr std::uint64_t managing_bit = std::uint64_t{1} << 63;
constexpr unsigned slot_bits = 16;
constexpr std::uint32_t immediate_offset = 68;

wire::srp::MemoryDescriptor descriptor_of(const transport::RemoteSegment& segment) {
  return {segment.address, segment.key, segment.length};
}

}  // namespace

std::size_t Connection::segments_of(std::size_t bytes) const {
  return (bytes + options_.segment_bytes - 1) / options_.segment_bytes;
}

bool Connection::immediate_fits(const Request& request) const {
  const std::size_t size = request.data_out.size();
  const std::size_t additional =
      request.cdb_length > 16 ? (request.cdb_length - 16 + 3) / 4 * 4 : 0;
  // The descriptors end before the data begin.
  return immediate_ && size > 0 && size <= options_.max_immediate_bytes &&
         request.data_in.empty() && immediate_offset + size <= iu_size_ &&
         sizeof(wire::srp::Cmd) + additional + sizeof(wire::srp::ImmediateDescriptor) <=
             immediate_offset;
}

void Connection::expose_segments(Slot& slot, std::span<std::byte> data, transport::Access access,
                                 std::span<wire::srp::MemoryDescriptor> table) {
  for (wire::srp::MemoryDescriptor& entry : table) {
    const auto piece = data.first(std::min<std::size_t>(data.size(), options_.segment_bytes));
    data = data.subspan(piece.size());
    const auto segment = channel_->expose(piece, access);
    slot.keys[slot.key_count++] = segment.key;
    entry = descriptor_of(segment);
  }
}

srp::DataBufferSpec Connection::describe(Slot& slot, std::span<std::byte> data,
                                         transport::Access access, bool out) {
  srp::DataBufferSpec spec;
  if (data.empty()) return spec;
  spec.total_length = static_cast<std::uint32_t>(data.size());
  const std::uint32_t room =
      options_.descriptors == Descriptors::direct ? 1 : options_.max_segments;
  std::span<wire::srp::MemoryDescriptor> table(slot.descriptors + (out ? 0 : room), room);
  if (options_.descriptors == Descriptors::direct) {
    const auto segment = channel_->expose(data, access);
    slot.keys[slot.key_count++] = segment.key;
    table[0] = descriptor_of(segment);
    spec.format = srp::Format::direct;
    spec.descriptors = table;
    return spec;
  }
  table = table.first(segments_of(data.size()));
  expose_segments(slot, data, access, table);
  const auto exposed =
      channel_->expose(std::as_writable_bytes(table), transport::Access::remote_read);
  slot.keys[slot.key_count++] = exposed.key;
  spec.format = srp::Format::indirect;
  spec.table = descriptor_of(exposed);
  spec.descriptors =
      options_.descriptors == Descriptors::external
          ? table.first(std::min<std::size_t>(table.size(), options_.descriptors_in_iu))
          : table;
  return spec;
}

int Connection::send(Request& request) {
  const std::size_t largest = options_.descriptors == Descriptors::direct
                                  ? UINT32_MAX
                                  : std::size_t{options_.segment_bytes} * options_.max_segments;
  if (std::max(request.data_out.size(), request.data_in.size()) > largest) return -EMSGSIZE;

  Slot& slot = *free_slots_;
  free_slots_ = slot.next_free;
  slot.tag =
      std::uint64_t{++generation_} << slot_bits | static_cast<std::uint64_t>(&slot - slots_.data());
  slot.request = &request;
  slot.key_count = 0;

  srp::CommandSpec command;
  command.tag = wire::srp::to_tag(slot.tag);
  command.lun = request.lun;
  command.task_attribute = static_cast<std::uint8_t>(request.attribute);
  command.cdb = {request.cdb.data(), request.cdb_length};
  if (immediate_fits(request)) {
    command.data_out.format = srp::Format::immediate;
    command.data_out.total_length = static_cast<std::uint32_t>(request.data_out.size());
    command.immediate_offset = immediate_offset;
    command.immediate = request.data_out;
  } else {
    // The target only reads from it; expose() has one type for both directions.
    const std::span<std::byte> out(const_cast<std::byte*>(request.data_out.data()),
                                   request.data_out.size());
    command.data_out = describe(slot, out, transport::Access::remote_read, true);
  }
  command.data_in = describe(slot, request.data_in, transport::Access::remote_write, false);
  const std::size_t length = srp::build_cmd(command, {slot.iu, iu_size_});
  CHECK(length != 0);

  --credits_;
  ++in_flight_;
  ++counters_.commands;
  if (request.sent_count < UINT8_MAX) ++request.sent_count;
  slot.sending = true;
  slot.work.iu = {slot.iu, length};
  slot.work.length = 0;
  slot.work.reset();
  channel_->send(slot.work);
  return 0;
}

void Connection::manage(srp::TaskFunction function, std::uint64_t lun, const Request* victim) {
  managing_tag_ = managing_bit | ++generation_;
  srp::TaskManagement task;
  task.tag = wire::srp::to_tag(managing_tag_);
  task.lun = lun;
  task.function = function;
  if (victim != nullptr) task.task_tag = wire::srp::to_tag(find(*victim)->tag);
  const auto iu = srp::build_tsk_mgmt(task);
  managing_ = true;
  --credits_;
  post_small(task_send_, wire::bytes_of(iu));
}

}  // namespace srpd::initiator
