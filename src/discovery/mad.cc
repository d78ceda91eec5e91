#include "discovery/mad.h"

#include <cstring>

namespace srpd::discovery {
namespace {

using wire::mad::Attribute;
using wire::mad::DeviceManagement;
using wire::mad::Header;
using wire::mad::Method;
using wire::mad::Status;

bool of_this_class(const Header& header) {
  return header.management_class == wire::mad::device_management_class;
}
bool is_response(const Header& header) {
  return (static_cast<std::uint8_t>(header.method) & wire::mad::response_bit) != 0;
}

Question question_of(const Header& header) {
  return {static_cast<Attribute>(header.attribute.value()), header.modifier};
}

Answer answer_to(const IoUnit& unit, const Header& header) {
  if (header.base_version != wire::mad::base_version ||
      header.class_version != wire::mad::device_management_version)
    return {Status::bad_version, {}};
  // As ib_srpt: nothing of this can be set, and other methods are none at all.
  if (header.method == Method::set) return {Status::unsupported_attribute, {}};
  if (header.method != Method::get) return {Status::unsupported_method, {}};
  return answer(unit, question_of(header));
}

Mad to_bytes(const DeviceManagement& mad) {
  Mad bytes;
  std::memcpy(bytes.data(), &mad, sizeof mad);
  return bytes;
}

}  // namespace

std::optional<Mad> answer_mad(const IoUnit& unit, std::span<const std::byte> request) {
  const auto* in = wire::view<DeviceManagement>(request);
  if (in == nullptr || request.size() != sizeof *in) return std::nullopt;
  if (!of_this_class(in->header) || is_response(in->header)) return std::nullopt;
  const Answer answer = answer_to(unit, in->header);
  DeviceManagement out{};
  out.header = in->header;
  out.header.base_version = wire::mad::base_version;
  out.header.class_version = wire::mad::device_management_version;
  out.header.method = Method::get_response;
  out.header.status = static_cast<std::uint16_t>(answer.status);
  std::memcpy(out.data, answer.data.data(), answer.data.size());
  return to_bytes(out);
}

Mad request_mad(const Question& question, std::uint64_t transaction) {
  DeviceManagement out{};
  out.header.base_version = wire::mad::base_version;
  out.header.management_class = wire::mad::device_management_class;
  out.header.class_version = wire::mad::device_management_version;
  out.header.method = Method::get;
  std::memcpy(out.header.transaction, &transaction, sizeof transaction);
  out.header.attribute = static_cast<std::uint16_t>(question.attribute);
  out.header.modifier = question.modifier;
  return to_bytes(out);
}

std::optional<Answer> parse_response_mad(std::span<const std::byte> response,
                                         const Question& question, std::uint64_t transaction) {
  const auto* in = wire::view<DeviceManagement>(response);
  if (in == nullptr || !of_this_class(in->header) || in->header.method != Method::get_response)
    return std::nullopt;
  if (question_of(in->header) != question ||
      std::memcmp(in->header.transaction, &transaction, sizeof transaction) != 0)
    return std::nullopt;
  Answer answer;
  answer.status = static_cast<Status>(in->header.status.value());
  std::memcpy(answer.data.data(), in->data, answer.data.size());
  return answer;
}

}  // namespace srpd::discovery
