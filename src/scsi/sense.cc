#include "scsi/sense.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "wire/scsi_sense.h"

namespace srpd::scsi {
namespace sense {

Result check_condition(SenseKey key, std::uint16_t code, std::optional<std::uint64_t> information,
                       std::optional<FieldPointer> field) {
  return Result{Status::check_condition,
                Sense{key, static_cast<std::uint8_t>(code >> 8),
                      static_cast<std::uint8_t>(code & 0xff), information, field}};
}

Result invalid_opcode() {
  return check_condition(SenseKey::illegal_request, 0x2000, {}, FieldPointer{true, 0, 0xff});
}
Result invalid_field_in_cdb(std::uint16_t byte, std::uint8_t bit) {
  return check_condition(SenseKey::illegal_request, 0x2400, {}, FieldPointer{true, byte, bit});
}
Result invalid_field_in_parameter_list(std::uint16_t byte, std::uint8_t bit) {
  return check_condition(SenseKey::illegal_request, 0x2600, {}, FieldPointer{false, byte, bit});
}
Result parameter_list_length_error() { return check_condition(SenseKey::illegal_request, 0x1a00); }
Result invalid_field_in_information_unit() {
  return check_condition(SenseKey::illegal_request, 0x0e03);
}
Result lba_out_of_range(std::uint64_t lba) {
  return check_condition(SenseKey::illegal_request, 0x2100, lba);
}
Result logical_unit_not_supported() { return check_condition(SenseKey::illegal_request, 0x2500); }
Result invalid_message() { return check_condition(SenseKey::illegal_request, 0x4900); }
Result saving_parameters_not_supported() {
  return check_condition(SenseKey::illegal_request, 0x3900);
}
Result write_protected() { return check_condition(SenseKey::data_protect, 0x2700); }
Result initializing_command_required() { return check_condition(SenseKey::not_ready, 0x0402); }
Result asymmetric_access_transition() { return check_condition(SenseKey::not_ready, 0x040a); }
Result target_port_in_standby() { return check_condition(SenseKey::not_ready, 0x040b); }
Result target_port_unavailable() { return check_condition(SenseKey::not_ready, 0x040c); }
Result target_port_offline() { return check_condition(SenseKey::not_ready, 0x0412); }
Result miscompare(std::uint64_t offset) {
  return check_condition(SenseKey::miscompare, 0x1d00, offset);
}

}  // namespace sense

namespace {

// SPC-5 4.4.2.4.2: SKSV, C/D, BPV, bit pointer; field pointer.
std::array<std::uint8_t, 3> field_pointer_bytes(const FieldPointer& field) {
  std::uint8_t flags = wire::FixedSense::sks_valid;
  if (field.in_cdb) flags |= wire::FixedSense::sks_command;
  if (field.bit < 8)
    flags = static_cast<std::uint8_t>(flags | wire::FixedSense::sks_bpv | field.bit);
  return {flags, static_cast<std::uint8_t>(field.byte >> 8),
          static_cast<std::uint8_t>(field.byte & 0xff)};
}

std::size_t encode_fixed(const Sense& sense, std::span<std::byte> out) {
  auto& fixed = *wire::view_mut<wire::FixedSense>(out);
  std::memset(&fixed, 0, sizeof fixed);
  fixed.response_code = wire::FixedSense::current;
  fixed.sense_key = static_cast<std::uint8_t>(sense.key);
  // The field has 32 bits; a larger value is not valid information in this format (SPC-5 4.4.3).
  if (sense.information && *sense.information <= UINT32_MAX) {
    fixed.response_code |= wire::FixedSense::valid;
    fixed.information = static_cast<std::uint32_t>(*sense.information);
  }
  fixed.additional_length = wire::FixedSense::additional;
  fixed.asc = sense.asc;
  fixed.ascq = sense.ascq;
  if (sense.field) {
    const auto bytes = field_pointer_bytes(*sense.field);
    std::copy(bytes.begin(), bytes.end(), fixed.sense_key_specific);
  }
  return sizeof fixed;
}

std::size_t encode_descriptors(const Sense& sense, std::span<std::byte> out) {
  auto& header = *wire::view_mut<wire::DescriptorSense>(out);
  std::memset(&header, 0, sizeof header);
  header.response_code = wire::DescriptorSense::current;
  header.sense_key = static_cast<std::uint8_t>(sense.key);
  header.asc = sense.asc;
  header.ascq = sense.ascq;
  std::size_t length = sizeof header;
  if (sense.information) {
    auto& descriptor = *wire::view_mut<wire::InformationDescriptor>(out.subspan(length));
    descriptor = {0x00, 0x0a, wire::InformationDescriptor::valid_bit, 0, *sense.information};
    length += sizeof descriptor;
  }
  if (sense.field) {
    auto& descriptor = *wire::view_mut<wire::SenseKeySpecificDescriptor>(out.subspan(length));
    descriptor = {0x02, 0x06, {}, {}, 0};
    const auto bytes = field_pointer_bytes(*sense.field);
    std::copy(bytes.begin(), bytes.end(), descriptor.sense_key_specific);
    length += sizeof descriptor;
  }
  header.additional_length = static_cast<std::uint8_t>(length - sizeof header);
  return length;
}

}  // namespace

std::size_t encode_sense(const Sense& sense, bool descriptor_format, std::span<std::byte> out) {
  CHECK(out.size() >= max_sense_length);
  return descriptor_format ? encode_descriptors(sense, out) : encode_fixed(sense, out);
}

}  // namespace srpd::scsi
