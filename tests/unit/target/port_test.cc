#include "target/port.h"

#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/target_world.h"

namespace srpd::target {
namespace {

scsi::PortId id(std::string_view digits) {
  const auto bytes = test::hex(digits);
  scsi::PortId made{};
  std::copy(bytes.begin(), bytes.end(), made.begin());
  return made;
}

const auto some_id = id("0000000000000007fe80000000000001");

bool matches(std::string_view key, const scsi::PortId& initiator, std::string_view host) {
  const auto parsed = AclKey::parse(key);
  EXPECT_TRUE(parsed.has_value()) << key;
  return parsed && parsed->matches(initiator, host);
}

TEST(AclKey, InitiatorPortId) {
  EXPECT_TRUE(matches("0x0000000000000007fe80000000000001", some_id, "192.0.2.1"));
  EXPECT_TRUE(matches("0000000000000007fe80000000000001", some_id, "192.0.2.1"));
  EXPECT_TRUE(matches("ib.0000000000000007fe80000000000001", some_id, ""));
  EXPECT_TRUE(matches("0x7FE80000000000001", some_id, ""));
  EXPECT_FALSE(matches("0x7fe80000000000002", some_id, ""));
  EXPECT_TRUE(matches("0x0", scsi::PortId{}, ""));
}

TEST(AclKey, Address) {
  EXPECT_TRUE(matches("192.0.2.1", some_id, "192.0.2.1"));
  EXPECT_FALSE(matches("192.0.2.1", some_id, "192.0.2.10"));
  EXPECT_TRUE(matches("2001:DB8:0::1", some_id, "2001:db8::1"));
  EXPECT_TRUE(matches("::ffff:192.0.2.1", some_id, "192.0.2.1"));
}

TEST(AclKey, Guid) {
  EXPECT_TRUE(matches("fe80:0000:0000:0001", some_id, "192.0.2.1"));
  EXPECT_TRUE(matches("0002:c903:0000:1234", some_id, "0002:c903:0000:1234"));
  EXPECT_FALSE(matches("fe80:0000:0000:0002", some_id, "192.0.2.1"));
}

TEST(AclKey, TextIsKept) { EXPECT_EQ(AclKey::parse("2001:DB8::1")->text(), "2001:DB8::1"); }

TEST(AclKey, NonsenseIsRefusedWithARemedy) {
  for (const char* text : {"", "0x", "ib.", "0xg", "host.example", "192.0.2.256", "1:2:3:4",
                           "fe80:0000:0000:000g", "0x000000000000000000000000000000001"}) {
    const auto key = AclKey::parse(text);
    ASSERT_FALSE(key.has_value()) << text;
    EXPECT_FALSE(key.error().remedy.empty());
  }
}

class Maps : public testing::Test {
 protected:
  Maps() {
    for (std::uint32_t number : {7u, 3u})
      port.luns.push_back({.number = number, .lu = &world.lu(), .write_protected = number == 7});
  }
  test::World world;
  PortDescription port;
};

TEST_F(Maps, MappedLunsAndWriteProtection) {
  const NodeAcl acl{.key = *AclKey::parse("192.0.2.1"),
                    .luns = {{0, 3, false}, {1, 3, true}, {300, 7, false}}};
  const auto map = make_lun_map(port, acl);
  ASSERT_TRUE(map.has_value());
  ASSERT_EQ((*map)->size(), 3u);
  EXPECT_FALSE((*map)->at(0).write_protected);
  EXPECT_TRUE((*map)->at(1).write_protected);
  EXPECT_TRUE((*map)->at(2).write_protected);
  EXPECT_NE((*map)->find(scsi::encode_lun(300)), nullptr);
  EXPECT_EQ((*map)->find(scsi::encode_lun(3)), nullptr);
}

TEST_F(Maps, LunThePortDoesNotHave) {
  port.acls.push_back({.key = *AclKey::parse("192.0.2.1"), .luns = {{0, 4, false}}});
  const auto checked = check(port);
  ASSERT_FALSE(checked.has_value());
  EXPECT_NE(checked.error().text().find("no LUN 4"), std::string::npos);
}

TEST_F(Maps, LunTwice) {
  port.acls.push_back({.key = *AclKey::parse("192.0.2.1"), .luns = {{0, 3, false}, {0, 7, false}}});
  EXPECT_FALSE(check(port).has_value());
}

TEST_F(Maps, FirstMatchingAcl) {
  port.acls.push_back({.key = *AclKey::parse("192.0.2.9"), .luns = {}});
  port.acls.push_back({.key = *AclKey::parse("192.0.2.1"), .luns = {}});
  EXPECT_EQ(find_acl(port, some_id, "192.0.2.1"), &port.acls[1]);
  EXPECT_EQ(find_acl(port, some_id, "192.0.2.2"), nullptr);
}

}  // namespace
}  // namespace srpd::target
