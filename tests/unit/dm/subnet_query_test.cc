// Questions to the subnet administrator, and what its answers say.
#include "dm/subnet_query.h"

#include <gtest/gtest.h>

#include <cstring>

#include "wire/subnet_administration.h"

namespace srpd::dm {
namespace {

using Bytes = std::vector<std::byte>;

std::uint8_t at(std::span<const std::byte> mad, std::size_t offset) {
  return std::to_integer<std::uint8_t>(mad[offset]);
}

/// A response with `records` of `units` times eight bytes each behind its head.
Bytes response(std::uint8_t method, std::uint16_t attribute, std::uint8_t units,
               const std::vector<Bytes>& records) {
  Bytes bytes(56);
  bytes[0] = std::byte{1};
  bytes[1] = std::byte{3};
  bytes[2] = std::byte{2};
  bytes[3] = std::byte{method};
  bytes[16] = static_cast<std::byte>(attribute >> 8);
  bytes[17] = static_cast<std::byte>(attribute);
  bytes[45] = std::byte{units};
  for (const Bytes& record : records) {
    bytes.insert(bytes.end(), record.begin(), record.end());
    bytes.resize(bytes.size() + units * 8u - record.size());
  }
  return bytes;
}

Bytes port_record(std::uint16_t lid, std::uint32_t capability_mask) {
  Bytes record(68);
  record[0] = static_cast<std::byte>(lid >> 8);
  record[1] = static_cast<std::byte>(lid);
  record[2] = std::byte{1};
  record[12] = std::byte{0xfe};
  record[13] = std::byte{0x80};
  for (unsigned i = 0; i < 4; ++i)
    record[24 + i] = static_cast<std::byte>(capability_mask >> (24 - 8 * i));
  return record;
}

TEST(SubnetQuery, AsksByCapability) {
  const auto mad = ask_ports(true, 0);
  EXPECT_EQ(at(mad, 1), 3);
  EXPECT_EQ(at(mad, 2), 2);
  EXPECT_EQ(at(mad, 3), 0x12);
  EXPECT_EQ(at(mad, 17), 0x12);
  EXPECT_EQ(at(mad, 20), 0x80);
  EXPECT_EQ(at(mad, 55), 0x80);       // component mask: bit 7
  EXPECT_EQ(at(mad, 56 + 25), 0x08);  // capability mask: bit 19
  const auto all = ask_ports(false, 0);
  EXPECT_EQ(at(all, 20), 0);
  EXPECT_EQ(at(all, 55), 0);
}

TEST(SubnetQuery, AsksForTheNodeOfALid) {
  const auto mad = ask_node(0x1234, 0);
  EXPECT_EQ(at(mad, 17), 0x11);
  EXPECT_EQ(at(mad, 55), 1);
  EXPECT_EQ(at(mad, 56), 0x12);
  EXPECT_EQ(at(mad, 57), 0x34);
}

TEST(SubnetQuery, PortsWithTheCapability) {
  const auto ports = parse_ports(
      response(0x92, 0x12, 9,
               {port_record(7, 1u << 19), port_record(8, 1), port_record(9, 3u << 18),
                port_record(0, ~0u), port_record(0xffff, ~0u), port_record(7, 1u << 19)}));
  ASSERT_TRUE(ports);
  ASSERT_EQ(ports->size(), 2u);
  EXPECT_EQ((*ports)[0].lid, 7);
  EXPECT_EQ((*ports)[0].gid[0], std::byte{0xfe});
  EXPECT_EQ((*ports)[1].lid, 9);
}

TEST(SubnetQuery, WhatIsCutShort) {
  const Bytes whole = response(0x92, 0x12, 9, {port_record(7, 1u << 19), port_record(8, 1u << 19)});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto ports = parse_ports(std::span(whole).first(length));
    if (ports) {
      EXPECT_LE(ports->size(), 1u);
    }
  }
  EXPECT_FALSE(parse_ports({}));
  EXPECT_TRUE(parse_ports(response(0x92, 0x12, 0, {}))->empty());
  EXPECT_TRUE(parse_ports(response(0x92, 0x12, 1, {Bytes(8), Bytes(8)}))->empty());
}

TEST(SubnetQuery, RefusalsAndOtherAnswers) {
  Bytes refused = response(0x92, 0x12, 9, {port_record(7, 1u << 19)});
  refused[4] = std::byte{3};
  EXPECT_FALSE(parse_ports(refused));
  EXPECT_FALSE(parse_ports(response(0x12, 0x12, 9, {port_record(7, 1u << 19)})));
  EXPECT_FALSE(parse_ports(response(0x92, 0x11, 9, {port_record(7, 1u << 19)})));
  EXPECT_FALSE(parse_node(response(0x92, 0x11, 1, {})));
}

TEST(SubnetQuery, TheGuidOfAPort) {
  Bytes record(112);
  record[24] = std::byte{0x02};
  record[31] = std::byte{0xcd};
  const auto guid = parse_node(response(0x92, 0x11, 14, {record}));
  ASSERT_TRUE(guid);
  EXPECT_EQ((*guid)[0], std::byte{0x02});
  EXPECT_EQ((*guid)[7], std::byte{0xcd});
}

TEST(SubnetQuery, WhatTheAdministratorCan) {
  Bytes info = response(0x81, 0x01, 0, {});
  info.resize(256);
  EXPECT_EQ(parse_class_port_info_of_sa(info), false);
  info[58] = std::byte{0x20};
  EXPECT_EQ(parse_class_port_info_of_sa(info), true);
  info.resize(100);
  EXPECT_FALSE(parse_class_port_info_of_sa(info));
}

}  // namespace
}  // namespace srpd::dm
