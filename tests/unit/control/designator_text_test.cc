// LIO's words for designators; those of scsi_debug are what Linux 6.1 shows of one.
#include "control/designator_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace srpd::control::test {
namespace {

using namespace std::string_literals;
using store::Designator;

lio::DeviceProperties described(const std::vector<Designator>& designators) {
  lio::DeviceProperties properties;
  describe_designators(designators, properties);
  return properties;
}

const Designator t10{1, 2, 0, {}, "Linux   scsi_debug      2000"};
const Designator naa{3, 1, 0, {}, "\x33\x33\x33\x30\x00\x00\x07\xd0"s};
const Designator port{4, 1, 1, 6, "\x00\x00\x00\x01"s};
const Designator device{8, 3, 2, 6, "naa.32222220000007CD\0\0\0\0"s};

TEST(DesignatorText, IsLios) {
  const auto properties = described({t10, naa, port, device});
  EXPECT_EQ(properties.vpd_logical_unit,
            "T10 VPD Identifier Association: addressed logical unit\n"
            "T10 VPD Identifier Type: T10 Vendor ID based\n"
            "T10 VPD ASCII Device Identifier: Linux   scsi_debug      2000\n"
            "T10 VPD Identifier Association: addressed logical unit\n"
            "T10 VPD Identifier Type: NAA\n"
            "T10 VPD Binary Device Identifier: 333333330000007d0\n");
  EXPECT_EQ(properties.vpd_target_port,
            "T10 VPD Identifier Association: target port\n"
            "T10 VPD Identifier Type: Relative target port identifier\n"
            "T10 VPD Binary Device Identifier: 400000001\n");
  EXPECT_EQ(properties.vpd_target_device,
            "T10 VPD Identifier Association: SCSI target device\n"
            "T10 VPD Identifier Type: SCSI name string\n"
            "T10 VPD UTF-8 Device Identifier: naa.32222220000007CD\n");
  EXPECT_EQ(properties.vpd_protocol,
            "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n"
            "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n");
}

TEST(DesignatorText, LeavesOutWhatLioHasNoNameFor) {
  for (const Designator& unknown :
       {Designator{5, 1, 1, 6, "\0\0\0\1"s}, Designator{9, 1, 1, 6, "x"},
        Designator{3, 0, 1, 6, "x"}, Designator{3, 4, 1, 6, "x"}}) {
    const auto properties = described({naa, unknown, device});
    const auto without = described({naa, device});
    EXPECT_EQ(properties.vpd_logical_unit, without.vpd_logical_unit);
    EXPECT_EQ(properties.vpd_target_port, "");
    EXPECT_EQ(properties.vpd_target_device, without.vpd_target_device);
    EXPECT_EQ(properties.vpd_protocol, without.vpd_protocol);
  }
}

TEST(DesignatorText, StaysOnItsLineAndInOneRead) {
  EXPECT_NE(described({{1, 2, 0, {}, "a\nb\tc"}}).vpd_logical_unit.find(": a b c\n"),
            std::string::npos);
  EXPECT_EQ(described({{3, 1, 0, 14, "x"}}).vpd_protocol,
            "T10 VPD Protocol Identifier: Unknown 0xe0\n");
  EXPECT_LT(described(std::vector<Designator>(60, device)).vpd_target_device.size(), 4096u);
}

}  // namespace
}  // namespace srpd::control::test
