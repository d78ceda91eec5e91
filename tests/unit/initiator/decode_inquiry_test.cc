#include "initiator/decode_inquiry.h"

#include <gtest/gtest.h>

#include <string_view>

namespace srpd::initiator {
namespace {

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  unsigned value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      bytes.push_back(static_cast<std::byte>(value));
      value = 0;
    }
  }
  return bytes;
}

// A LIO ramdisk as the kernel target shows it.
const auto standard = from_hex(
    "00 00 05 12 5b 18 00 02 4c 49 4f 2d 4f 52 47 20 52 41 4d 44 49 53 4b 2d 4d 43 50 20 20 20 20 "
    "20"
    "34 2e 30 20");
const auto identification = from_hex(
    "00 83 00 4c"
    "01 03 00 10 60 01 40 5a 1b 2c 3d 4e 5f 60 71 82 93 a4 b5 c6"
    "02 01 00 10 4c 49 4f 2d 4f 52 47 20 61 62 63 64 3a 65 66 00"
    "51 94 00 04 00 00 00 01"
    "51 95 00 04 00 00 00 00"
    "53 a8 00 0c 30 78 66 65 38 30 30 30 30 31 00 00"
    "01 06 00");

TEST(DecodeInquiry, StandardData) {
  EXPECT_EQ(describe_inquiry(standard),
            "  device type: disk\n"
            "  peripheral qualifier: connected\n"
            "  vendor: LIO-ORG\n"
            "  product: RAMDISK-MCP\n"
            "  revision: 4.0\n"
            "  version: SPC-3\n"
            "  removable: no\n"
            "  target port groups (ALUA): implicit\n"
            "  features: CMDQUE 3PC\n");
  const auto summary = summarize_inquiry(standard);
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->product, "RAMDISK-MCP");
  EXPECT_TRUE(summary->connected);
}

TEST(DecodeInquiry, DeviceIdentification) {
  EXPECT_EQ(describe_page(identification),
            "  logical unit, NAA: naa.6001405a1b2c3d4e5f60718293a4b5c6\n"
            "  logical unit, T10 vendor identification: LIO-ORG abcd:ef\n"
            "  target port, relative target port, iSCSI: 1\n"
            "  target port, target port group, iSCSI: 0\n"
            "  target device, SCSI name string, iSCSI: 0xfe800001\n");
  EXPECT_EQ(naa_of(identification), "naa.6001405a1b2c3d4e5f60718293a4b5c6");
  EXPECT_EQ(target_name_of(identification), "0xfe800001");
}

TEST(DecodeInquiry, SerialAndPageList) {
  const auto serial = from_hex("00 80 00 05 61 62 63 64 00");
  EXPECT_EQ(describe_page(serial), "  unit serial number: abcd\n");
  const auto list = from_hex("00 00 00 03 00 80 c5");
  EXPECT_EQ(supported_pages(list), (std::vector<std::uint8_t>{0x00, 0x80, 0xc5}));
  EXPECT_EQ(describe_page(list),
            "  VPD page 00h, Supported VPD Pages\n"
            "  VPD page 80h, Unit Serial Number\n"
            "  VPD page C5h\n");
}

TEST(DecodeInquiry, BlockPages) {
  EXPECT_EQ(describe_page(from_hex("00 b0 00 3c 00 01 00 08 00 00 20 00 00 00 10 00 00 00 00 00"
                                   "00 00 10 00 00 00 00 01 00 00 00 08 80 00 00 04"
                                   "00 00 00 00 00 01 00 00")),
            "  maximum compare and write: 1 blocks\n"
            "  optimal transfer granularity: 8 blocks\n"
            "  maximum transfer: 8192 blocks\n"
            "  optimal transfer: 4096 blocks\n"
            "  maximum unmap: 4096 blocks\n"
            "  maximum unmap descriptors: 1\n"
            "  optimal unmap granularity: 8 blocks\n"
            "  unmap granularity alignment: 4 blocks\n"
            "  maximum write same: 65536 blocks\n");
  EXPECT_EQ(describe_page(from_hex("00 b1 00 3c 00 01")), "  medium rotation rate: non-rotating\n");
  EXPECT_EQ(describe_page(from_hex("00 b2 00 04 00 e4 02 00")),
            "  provisioning: thin provisioned\n"
            "  unmap: UNMAP WRITE SAME (16) WRITE SAME (10)\n"
            "  unmapped blocks read as: zeros\n"
            "  threshold exponent: 0\n");
  EXPECT_EQ(describe_page(from_hex("00 86 00 3c 00 07 01 00")),
            "  protection checks: none\n"
            "  task attributes: SIMPLE HEAD OF QUEUE ORDERED\n"
            "  volatile cache: yes\n");
}

// Every prefix, and a length that lies: no reading past the end, no text from outside.
TEST(DecodeInquiry, WhatIsCutShortIsShownAsBytes) {
  for (const auto& page : {standard, identification}) {
    for (std::size_t length = 0; length <= page.size(); ++length) {
      const std::vector<std::byte> cut(page.begin(), page.begin() + static_cast<long>(length));
      describe_inquiry(cut);
      describe_page(cut);
      naa_of(cut);
      unit_serial(cut);
    }
  }
  EXPECT_EQ(describe_inquiry(from_hex("7f 00")), "  0000  7f 00\n");
  EXPECT_EQ(describe_page(from_hex("00 c5 00 01 07")), "  0000  00 c5 00 01 07\n");
  auto lying = identification;
  lying[2] = std::byte{0xff};
  EXPECT_EQ(naa_of(lying), "naa.6001405a1b2c3d4e5f60718293a4b5c6");
}

TEST(DecodeInquiry, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(unit_serial(from_hex("00 80 00 04 1b 5b 32 4a")), ".[2J");
}

}  // namespace
}  // namespace srpd::initiator
