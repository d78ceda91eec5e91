// What a host asks the subnet administrator (SA) for to find targets: InfiniBand Architecture
// volume 1, 15.2. Layouts and names only; the rules are in src/dm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/mad.h"

namespace srpd::wire::sa {

inline constexpr std::uint8_t management_class = 0x03;
inline constexpr std::uint8_t class_version = 2;

enum class Method : std::uint8_t {
  get = 0x01,
  get_table = 0x12,
  get_response = 0x81,
  get_table_response = 0x92
};

inline constexpr std::uint16_t class_port_info = 0x0001;
inline constexpr std::uint16_t node_record = 0x0011;
inline constexpr std::uint16_t port_info_record = 0x0012;

/// ClassPortInfo.CapabilityMask: PortInfoRecords can be asked for by capability mask.
inline constexpr std::uint16_t matches_capability_mask = 0x2000;
/// Attribute modifier of such a request: every bit of the mask that is set has to match.
inline constexpr std::uint32_t match_set_bits = 0x8000'0000;

inline constexpr std::uint64_t node_record_lid = 1;
inline constexpr std::uint64_t port_info_capability_mask = 1 << 7;

/// In front of the records; `header` has SA's own methods.
struct Request {
  mad::Header header;
  std::uint8_t rmpp[12];
  std::uint8_t sm_key[8];
  be16 attribute_offset;  ///< size of a record, in units of eight bytes
  std::uint8_t reserved[2];
  be64 component_mask;
};
static_assert(sizeof(Request) == 56 && offsetof(Request, attribute_offset) == 44);
static_assert(offsetof(Request, component_mask) == 48);

/// The begin of a PortInfoRecord.
struct PortInfoRecord {
  be16 lid;
  std::uint8_t port;
  std::uint8_t options;
  std::uint8_t m_key[8];
  std::byte gid_prefix[8];
  be16 base_lid;
  be16 master_sm_lid;
  be32 capability_mask;
};
static_assert(sizeof(PortInfoRecord) == 28 && offsetof(PortInfoRecord, capability_mask) == 24);

/// The begin of a NodeRecord.
struct NodeRecord {
  be16 lid;
  std::uint8_t reserved[2];
  std::uint8_t versions_and_type[4];
  std::byte system_image_guid[8];
  std::byte node_guid[8];
  std::byte port_guid[8];
};
static_assert(sizeof(NodeRecord) == 32 && offsetof(NodeRecord, port_guid) == 24);

}  // namespace srpd::wire::sa
