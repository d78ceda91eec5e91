#include "scsi/block_io.h"

#include "base/check.h"
#include "scsi/errno_to_sense.h"
#include "scsi/sense.h"

namespace srpd::scsi {

void BlockIo::start(Command& command, Kind what, std::uint64_t at, std::uint64_t bytes,
                    std::byte* data) {
  reset();
  kind = what;
  offset = at;
  length = bytes;
  error_offset = at;
  memory = {data, bytes};
  buffers = data == nullptr ? std::span<const iovec>() : std::span<const iovec>(&memory, 1);
  command.lu->store().submit(*command.loop, *this);
}

Result failure(const Command& command, const BlockIo& io) {
  if (io.kind == store::Operation::Kind::flush) return result_from(io.result(), io.kind);
  return result_from(io.result(), io.kind, io.error_offset >> command.lu->block_shift());
}

void DataMove::prepare(std::uint64_t at, std::uint32_t bytes, std::byte* data) {
  reset();
  offset = at;
  length = bytes;
  memory = {data, bytes};
  local = std::span<const iovec>(&memory, 1);
}

void DataMove::fetch(Command& command, std::uint64_t at, std::uint32_t bytes, std::byte* data) {
  prepare(at, bytes, data);
  command.fetch(*this);
}

void DataMove::deliver(Command& command, std::uint64_t at, std::uint32_t bytes, std::byte* data) {
  prepare(at, bytes, data);
  command.deliver(*this);
}

void BufferRequest::start(Command& command, std::uint64_t bytes) {
  CHECK(bytes > 0 && !command.buffer);
  reset();
  size = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, runtime::BufferPool::largest));
  account = command.buffer_account;
  command.loop->buffers().acquire(*this);
}

Pause::Pause() : Deferred([](Deferred& self) { static_cast<Pause&>(self).complete(0); }) {}

void Pause::start(Command& command) {
  reset();
  command.loop->defer(*this);
}

bool data_out_is_short(Command& command, std::uint64_t needed, Result& result) {
  command.wanted_out = needed;
  if (command.data_out_length >= needed) return false;
  result = sense::invalid_field_in_information_unit();
  return true;
}

}  // namespace srpd::scsi
