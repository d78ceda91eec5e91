#include "store/designators.h"

#include <algorithm>

#include "wire/scsi_inquiry.h"

namespace srpd::store {
namespace {

constexpr std::uint8_t page_code = 0x83;
constexpr std::uint8_t low_half = 0x0f;

Designator designator_of(const wire::Designator& header, std::span<const std::byte> bytes) {
  Designator found;
  found.type = header.association & low_half;
  found.code_set = header.code_set & low_half;
  found.association = header.association >> 4 & 0x03;
  if (header.association & wire::designator_piv)
    found.protocol = static_cast<std::uint8_t>(header.code_set >> 4);
  found.bytes.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return found;
}

}  // namespace

std::vector<Designator> parse_designators(std::span<const std::byte> page) {
  std::vector<Designator> all;
  const auto* const head = wire::view<wire::VpdHeader>(page);
  if (head == nullptr || head->page != page_code) return all;
  std::span<const std::byte> rest = page.subspan(sizeof(*head));
  rest = rest.first(std::min<std::size_t>(rest.size(), head->length));
  while (const auto* const header = wire::view<wire::Designator>(rest)) {
    rest = rest.subspan(sizeof(*header));
    if (header->length == 0 || header->length > rest.size()) break;
    all.push_back(designator_of(*header, rest.first(header->length)));
    rest = rest.subspan(header->length);
  }
  return all;
}

}  // namespace srpd::store
