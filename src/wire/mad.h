// Management datagrams (MADs) of the Device Management class as they stand on the wire: InfiniBand
// Architecture volume 1, 13.4.3 (header) and 16.3 (Device Management). Layouts and names only; the
// rules are in src/discovery.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire::mad {

inline constexpr std::size_t size = 256;  ///< every MAD; the class uses no segmentation

inline constexpr std::uint8_t base_version = 1;
inline constexpr std::uint8_t device_management_class = 0x06;
inline constexpr std::uint8_t device_management_version = 1;

inline constexpr std::uint8_t response_bit = 0x80;
enum class Method : std::uint8_t { get = 0x01, set = 0x02, get_response = 0x81 };

enum class Attribute : std::uint16_t {
  class_port_info = 0x0001,
  io_unit_info = 0x0010,
  io_controller_profile = 0x0011,
  service_entries = 0x0012,
};

/// Status of an answer: 13.4.7, and for the class 16.3.1.
enum class Status : std::uint16_t {
  ok = 0x0000,
  bad_version = 0x0004,
  unsupported_method = 0x0008,
  unsupported_attribute = 0x000c,  ///< this attribute, or this method for it
  invalid_field = 0x001c,          ///< in the attribute or its modifier
  no_controller = 0x0100,          ///< nothing in this slot, or no such service entry of it
};

struct Header {
  std::uint8_t base_version;
  std::uint8_t management_class;
  std::uint8_t class_version;
  Method method;
  be16 status;
  std::uint8_t class_specific[2];
  std::uint8_t transaction[8];  ///< opaque: copied, never swapped
  be16 attribute;
  std::uint8_t reserved[2];
  be32 modifier;
};
static_assert(sizeof(Header) == 24 && offsetof(Header, status) == 4);
static_assert(offsetof(Header, transaction) == 8 && offsetof(Header, attribute) == 16);
static_assert(offsetof(Header, modifier) == 20);

inline constexpr std::size_t attribute_size = 192;

struct DeviceManagement {
  Header header;
  std::uint8_t reserved[40];
  std::byte data[attribute_size];
};
static_assert(sizeof(DeviceManagement) == size && offsetof(DeviceManagement, data) == 64);

struct ClassPortInfo {
  std::uint8_t base_version;
  std::uint8_t class_version;
  be16 capability_mask;
  std::uint8_t capability_mask2[3];
  std::uint8_t response_time;  ///< low five bits: 4.096 us times a power of two
  std::uint8_t redirection_and_traps[64];
};
static_assert(sizeof(ClassPortInfo) == 72 && offsetof(ClassPortInfo, response_time) == 7);

/// A slot of the I/O unit, four bits each.
enum class Slot : std::uint8_t { empty = 0, present = 1, absent = 15 };

struct IoUnitInfo {
  be16 change_id;
  std::uint8_t max_controllers;
  std::uint8_t flags;       ///< bit 0: option ROM, bit 1: diagnostics
  std::uint8_t slots[128];  ///< slot 1 in the high half of the first byte
};
static_assert(sizeof(IoUnitInfo) == 132 && offsetof(IoUnitInfo, slots) == 4);

struct IoControllerProfile {
  be64 guid;
  be32 vendor;  ///< a 24-bit field above 8 reserved bits; ib_srpt stores its value unshifted
  be32 device;
  be16 device_version;
  std::uint8_t reserved1[2];
  be32 subsystem_vendor;
  be32 subsystem;
  be16 io_class;
  be16 io_subclass;
  be16 protocol;
  be16 protocol_version;
  be16 service_connections;
  be16 initiators;
  be16 send_depth;
  std::uint8_t reserved2;
  std::uint8_t read_depth;
  be32 send_size;
  be32 rdma_size;
  std::uint8_t operations;
  std::uint8_t reserved3;
  std::uint8_t service_entries;
  std::uint8_t reserved4[9];
  char id[64];  ///< zero padded
};
static_assert(sizeof(IoControllerProfile) == 128 && offsetof(IoControllerProfile, device) == 12);
static_assert(offsetof(IoControllerProfile, subsystem_vendor) == 20);
static_assert(offsetof(IoControllerProfile, io_class) == 28);
static_assert(offsetof(IoControllerProfile, send_depth) == 40);
static_assert(offsetof(IoControllerProfile, read_depth) == 43);
static_assert(offsetof(IoControllerProfile, send_size) == 44);
static_assert(offsetof(IoControllerProfile, operations) == 52);
static_assert(offsetof(IoControllerProfile, service_entries) == 54);
static_assert(offsetof(IoControllerProfile, id) == 64);

struct ServiceEntry {
  char name[40];  ///< zero padded
  be64 id;
};
static_assert(sizeof(ServiceEntry) == 48 && offsetof(ServiceEntry, id) == 40);

/// One ServiceEntries attribute.
inline constexpr std::size_t entries_per_attribute = 4;
static_assert(entries_per_attribute * sizeof(ServiceEntry) == attribute_size);

}  // namespace srpd::wire::mad
