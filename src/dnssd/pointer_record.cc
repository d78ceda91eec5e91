#include "dnssd/pointer_record.h"

#include <cstddef>

namespace srpd::dnssd {
namespace {

constexpr std::size_t max_label = 63;   // RFC 1035 2.3.4
constexpr std::size_t fixed_part = 10;  // type, class, TTL, length of the data
constexpr std::uint16_t pointer_type = 12;

/// The label at the start and the rest behind it. Nothing where there is none that is whole.
struct Label {
  std::span<const std::uint8_t> text, rest;
};
std::optional<Label> take_label(std::span<const std::uint8_t> bytes) {
  if (bytes.empty() || bytes[0] > max_label || bytes.size() < std::size_t{1} + bytes[0])
    return std::nullopt;
  return Label{bytes.subspan(1, bytes[0]), bytes.subspan(std::size_t{1} + bytes[0])};
}

}  // namespace

std::optional<std::string> instance_of_pointer(std::span<const std::uint8_t> record) {
  auto label = take_label(record);
  while (label && !label->text.empty()) label = take_label(label->rest);
  if (!label || label->rest.size() < fixed_part) return std::nullopt;
  const auto fixed = label->rest;
  if ((fixed[0] << 8 | fixed[1]) != pointer_type) return std::nullopt;
  const auto instance = take_label(fixed.subspan(fixed_part));
  if (!instance || instance->text.empty()) return std::nullopt;
  return std::string(instance->text.begin(), instance->text.end());
}

}  // namespace srpd::dnssd
