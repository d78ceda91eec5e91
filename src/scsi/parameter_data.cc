#include "scsi/parameter_data.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace srpd::scsi {

ParameterData::ParameterData(Command& command) : command_(command) {
  CHECK(command.buffer);
  std::memset(command.buffer.data, 0, command.buffer.size);
}

std::span<std::byte> ParameterData::add_bytes(std::size_t size) {
  CHECK(size <= command_.buffer.size - size_);
  const auto bytes = command_.buffer.bytes().subspan(size_, size);
  size_ += size;
  return bytes;
}

Result ParameterData::send(std::uint64_t allocation_length) {
  return send_buffer(command_, size_, allocation_length);
}

Result send_buffer(Command& command, std::uint64_t produced, std::uint64_t allocation_length) {
  command.wanted_in = std::min(produced, allocation_length);
  const std::uint64_t moved = std::min(command.wanted_in, command.data_in_length);
  CHECK(moved <= command.buffer.size);
  command.moved_in = moved;
  command.data_in_storage[0] = {command.buffer.data, moved};
  command.data_in = std::span(command.data_in_storage).first(1);
  command.data_in_offset = 0;
  command.data_in_size = static_cast<std::uint32_t>(moved);
  return {};
}

void put_text(std::span<char> field, std::string_view text) {
  std::fill(field.begin(), field.end(), ' ');
  std::copy_n(text.begin(), std::min(text.size(), field.size()), field.begin());
}

}  // namespace srpd::scsi
