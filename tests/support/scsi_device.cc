#include "support/scsi_device.h"

namespace srpd::test {
namespace {

std::uint8_t byte_at(const Bytes& in, std::size_t at) {
  return std::to_integer<std::uint8_t>(in[at]);
}

void decode_key_specific(const Bytes& in, std::size_t at, DecodedSense& sense) {
  const std::uint8_t flags = byte_at(in, at);
  if ((flags & 0x80) == 0) return;
  sense.field_in_cdb = (flags & 0x40) != 0;
  sense.field = static_cast<std::uint16_t>(get_be(in, at + 1, 2));
  if ((flags & 0x08) != 0) sense.bit = flags & 0x07;
}

void decode_fixed(const Bytes& in, DecodedSense& sense) {
  sense.key = byte_at(in, 2) & 0x0f;
  sense.code = static_cast<std::uint16_t>(get_be(in, 12, 2));
  if ((byte_at(in, 0) & 0x80) != 0) sense.information = get_be(in, 3, 4);
  decode_key_specific(in, 15, sense);
}

void decode_descriptors(const Bytes& in, DecodedSense& sense) {
  sense.key = byte_at(in, 1) & 0x0f;
  sense.code = static_cast<std::uint16_t>(get_be(in, 2, 2));
  for (std::size_t at = 8; at + 2 <= in.size(); at += 2u + byte_at(in, at + 1)) {
    if (byte_at(in, at) == 0 && at + 12 <= in.size()) sense.information = get_be(in, at + 4, 8);
    if (byte_at(in, at) == 2 && at + 8 <= in.size()) decode_key_specific(in, at + 4, sense);
  }
}

}  // namespace

std::optional<DecodedSense> decode_sense(const Bytes& in) {
  if (in.size() < 8) return {};
  DecodedSense sense;
  sense.response_code = byte_at(in, 0) & 0x7f;
  if (sense.response_code == 0x70 && in.size() >= 18)
    decode_fixed(in, sense);
  else if (sense.response_code == 0x72)
    decode_descriptors(in, sense);
  else
    return {};
  return sense;
}

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

Bytes pattern(std::size_t size, unsigned seed) {
  Bytes out(size);
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::byte& b : out) {
    state = state * 1664525u + 1013904223u;
    b = static_cast<std::byte>(state >> 24);
  }
  return out;
}

void put_be(Bytes& out, std::size_t at, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i)
    out.at(at + i) = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
}

std::uint64_t get_be(const Bytes& in, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte_at(in, at + i);
  return value;
}

}  // namespace srpd::test
