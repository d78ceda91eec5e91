#include "dm/trap.h"

#include <cstddef>
#include <cstring>

#include "wire/mad.h"

namespace srpd::dm {
namespace {

constexpr std::uint8_t subnet_management_class = 0x01;  // routed by LID
constexpr std::uint8_t trap_method = 0x05;
constexpr std::uint16_t notice_attribute = 0x0002;
constexpr std::uint8_t generic_informational = 0x80 | 4;
constexpr std::uint8_t channel_adapter = 1;
constexpr std::uint16_t local_changes = 144;

/// Notice with the details of trap 144 (tables 119 and 139).
struct Notice {
  std::uint8_t type;
  std::uint8_t producer[3];
  wire::be16 trap;
  wire::be16 issuer_lid;
  wire::be16 toggle_and_count;
  std::uint8_t reserved1[2];
  wire::be16 lid;
  std::uint8_t reserved2[2];
  wire::be32 capability_mask;
  std::uint8_t reserved3[44];
};
static_assert(sizeof(Notice) == 64 && offsetof(Notice, lid) == 12);
static_assert(offsetof(Notice, capability_mask) == 16);

constexpr std::size_t data_offset = 64;

}  // namespace

discovery::Mad local_change_trap(std::uint16_t lid, std::uint32_t capability_mask,
                                 std::uint16_t sequence) {
  wire::mad::Header header{};
  header.base_version = wire::mad::base_version;
  header.management_class = subnet_management_class;
  header.class_version = 1;
  header.method = static_cast<wire::mad::Method>(trap_method);
  const wire::be64 transaction = static_cast<std::uint64_t>(sequence) + 1;
  std::memcpy(header.transaction, &transaction, sizeof transaction);
  header.attribute = notice_attribute;
  Notice notice{};
  notice.type = generic_informational;
  notice.producer[2] = channel_adapter;
  notice.trap = local_changes;
  notice.issuer_lid = lid;
  notice.lid = lid;
  notice.capability_mask = capability_mask;
  discovery::Mad mad{};
  std::memcpy(mad.data(), &header, sizeof header);
  std::memcpy(mad.data() + data_offset, &notice, sizeof notice);
  return mad;
}

}  // namespace srpd::dm
