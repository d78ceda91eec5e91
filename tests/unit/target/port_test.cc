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
  EXPECT_TRUE(matches("FE80::1%eth0", some_id, "fe80::1%eth0"));
  EXPECT_FALSE(matches("fe80::1%eth0", some_id, "fe80::1%eth1"));
  EXPECT_TRUE(matches("fe80::1", some_id, "fe80::1%eth1"));
  EXPECT_FALSE(AclKey::parse("192.0.2.1%eth0"));
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

TEST(PortLimits, AreIbSrpts) {
  EXPECT_TRUE(check(PortLimits{}).has_value());
  EXPECT_TRUE(check({.max_rsp_size = 40, .max_rdma_size = 16777216, .sq_size = 65535}).has_value());
  for (const PortLimits& wrong :
       {PortLimits{.max_rsp_size = 39}, PortLimits{.max_rsp_size = 1025},
        PortLimits{.max_rdma_size = 65535}, PortLimits{.max_rdma_size = 16777217},
        PortLimits{.sq_size = 3}, PortLimits{.sq_size = 65536}})
    EXPECT_FALSE(check(wrong).has_value());
}

}  // namespace
}  // namespace srpd::target
