#include "control/identity.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace srpd::control {
namespace {

TEST(Identity, SerialsAreUuidsThatStayTheSame) {
  const std::string serial = derived_serial("0123456789abcdef", "fileio /srv/disk.img");
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(serial, uuid)) << serial;
  // A change here renames the disks of every host that uses serials made by the program.
  EXPECT_EQ(serial, "da77fa79-1d15-8341-a1bb-b857cd7a6b7f");
}

TEST(Identity, SerialsDifferByMachineAndDisk) {
  std::set<std::string> serials;
  for (int machine = 0; machine < 30; ++machine)
    for (int disk = 0; disk < 30; ++disk)
      serials.insert(
          derived_serial("machine" + std::to_string(machine), "ram" + std::to_string(disk)));
  EXPECT_EQ(serials.size(), 900u);
  EXPECT_NE(derived_serial("ab", "c"), derived_serial("a", "bc"));
}

TEST(Identity, PortIdIsALocallyAdministeredEuiTwice) {
  const scsi::PortId id = derived_port_id("0123456789abcdef");
  EXPECT_EQ(static_cast<unsigned>(id[0]) & 3, 2u);
  EXPECT_TRUE(std::equal(id.begin(), id.begin() + 8, id.begin() + 8));
  EXPECT_NE(id, derived_port_id("0123456789abcdee"));
}

TEST(Identity, ReadsPortIdsInEveryForm) {
  const std::string digits = "fe800000000000000002c903000e8acd";
  EXPECT_EQ(hex(*parse_port_id("ib." + digits)), digits);
  EXPECT_EQ(hex(*parse_port_id("0x" + digits)), digits);
  EXPECT_EQ(hex(*parse_port_id(digits)), digits);
  EXPECT_EQ(hex(*parse_port_id("0002:c903:000e:8acc")), "0002c903000e8acc0002c903000e8acc");
  EXPECT_EQ(hex(*parse_port_id("0x12")), "00000000000000000000000000000012");
  for (const char* text : {"", "ib.", "0x", "eui.1", "0xfg", "12", "iqn.2003-01.org.x",
                           "0x000000000000000000000000000000000"}) {
    EXPECT_FALSE(parse_port_id(text)) << text;
  }
}

TEST(Identity, ThisMachineHasASeed) { EXPECT_FALSE(machine_seed().empty()); }

}  // namespace
}  // namespace srpd::control
