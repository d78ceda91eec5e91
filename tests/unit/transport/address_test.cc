#include <endian.h>
#include <gtest/gtest.h>
#include <infiniband/ib.h>
#include <netinet/in.h>

#include <cstring>

#include "transport/registry.h"
#include "transport/transport.h"

namespace srpd::transport {
namespace {

std::string round_trip(std::string_view text) {
  const auto address = Address::parse(text, 5555);
  return address ? address->text() : "error: " + address.error().text();
}

TEST(Address, ReadsWhatItWrites) {
  EXPECT_EQ(round_trip("192.0.2.1:7"), "192.0.2.1:7");
  EXPECT_EQ(round_trip("192.0.2.1"), "192.0.2.1:5555");
  EXPECT_EQ(round_trip("[2001:db8::1]:65535"), "[2001:db8::1]:65535");
  EXPECT_EQ(round_trip("[2001:db8::1]"), "[2001:db8::1]:5555");
  EXPECT_EQ(round_trip("2001:db8::1"), "[2001:db8::1]:5555");
  EXPECT_EQ(round_trip("local:disks"), "local:disks");
}

TEST(Address, LinkLocalAddressesHaveAnInterface) {
  EXPECT_EQ(round_trip("[fe80::1%lo]:7"), "[fe80::1%lo]:7");
  EXPECT_EQ(round_trip("fe80::1%lo"), "[fe80::1%lo]:5555");
  EXPECT_EQ(round_trip("rdma:[fe80::1%lo]:7"), "rdma:[fe80::1%lo]:7");
  EXPECT_EQ(Address::parse("[fe80::1%lo]:7", 0)->host(), "fe80::1%lo");
  for (const char* text : {"fe80::1", "[fe80::1]:7", "rdma:[fe80::1]"}) {
    const auto address = Address::parse(text, 5555);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().remedy.find("fe80::1%"), std::string::npos) << address.error().text();
  }
  EXPECT_FALSE(Address::parse("[fe80::1%there-is-none]:7", 5555));
}

TEST(Address, ReadsWhatAdaptersAreNamedBy) {
  EXPECT_EQ(round_trip("rdma:192.0.2.1:7"), "rdma:192.0.2.1:7");
  EXPECT_EQ(round_trip("rdma:[2001:db8::1]"), "rdma:[2001:db8::1]:5555");
  EXPECT_EQ(round_trip("rdma:*"), "rdma:[::]:5555");
  EXPECT_EQ(round_trip("rdma:*:7"), "rdma:[::]:7");
  EXPECT_EQ(round_trip("ib"), "ib:5555");
  EXPECT_EQ(round_trip("ib:7"), "ib:7");
  EXPECT_EQ(round_trip("ibcm:0002c903000e8acc"), "ibcm:0002c903000e8acc");
  EXPECT_EQ(round_trip("ibcm:0002c903000e8acc@mlx4_0"), "ibcm:0002c903000e8acc@mlx4_0");
  EXPECT_EQ(round_trip("ib:[fe80::2:c903:e:8acd]"), "ib:[fe80::2:c903:e:8acd]:5555");
  EXPECT_EQ(round_trip("ib:[fe80::2:c903:e:8acd]:7"), "ib:[fe80::2:c903:e:8acd]:7");
}

TEST(Address, ServiceIdIsThatOfThePort) {
  const Address address = *Address::parse("ib:5555", 0);
  sockaddr_ib raw{};
  ASSERT_EQ(address.length, sizeof raw);
  std::memcpy(&raw, &address.storage, sizeof raw);
  EXPECT_EQ(be64toh(raw.sib_sid), 0x00000000013f15b3u);
  EXPECT_EQ(raw.sib_sid_mask, UINT64_MAX);
}

TEST(Address, HasAFormOfLogin) {
  EXPECT_EQ(Address::parse("ib:[fe80::1]", 1)->login_form(), LoginForm::ib_cm);
  EXPECT_EQ(Address::parse("rdma:192.0.2.1", 1)->login_form(), LoginForm::rdma_cm);
  EXPECT_EQ(Address::parse("192.0.2.1", 1)->login_form(), LoginForm::rdma_cm);
  EXPECT_EQ(Address::parse("local:x", 1)->login_form(), LoginForm::rdma_cm);
}

TEST(Address, BelongsToATransport) {
  EXPECT_EQ(transport_for(*Address::parse("192.0.2.1", 1)).name, "iwarp");
  EXPECT_EQ(transport_for(*Address::parse("rdma:192.0.2.1", 1)).name, "verbs");
  EXPECT_EQ(transport_for(*Address::parse("ib", 1)).name, "verbs");
  EXPECT_EQ(transport_for(*Address::parse("local:x", 1)).name, "local");
}

TEST(Address, HostIsWhatAclsName) {
  EXPECT_EQ(Address::parse("ib:[fe80::2:c903:e:8acd]", 0)->host(), "0002:c903:000e:8acd");
  EXPECT_EQ(Address::parse("192.0.2.1:7", 0)->host(), "192.0.2.1");
  EXPECT_EQ(Address::parse("[2001:db8::1]:7", 0)->host(), "2001:db8::1");
  EXPECT_EQ(Address::parse("[::ffff:192.0.2.1]:7", 0)->host(), "192.0.2.1");
  EXPECT_EQ(Address::parse("local:disks", 0)->host(), "disks");
}

TEST(Address, RefusesWhatIsMalformed) {
  for (const char* text : {"",
                           "ibcm:",
                           "ibcm:5555",
                           "ibcm:0002c903000e8acx",
                           "ibcm:0002c903000e8acc0",
                           "ibcm:02000000000e8acc",
                           "ibcm:0002c903000e8acc@",
                           "rdma:",
                           "rdma:local:x",
                           "rdma:ib",
                           "rdma:*x",
                           "ib:",
                           "ib:x",
                           "ib:[fe80",
                           "ib:[x]:1",
                           "ib:[fe80::1]x",
                           ":5555",
                           "[::1",
                           "[::1]5555",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:x",
                           "local:"})
    EXPECT_FALSE(Address::parse(text, 5555)) << text;
}

}  // namespace
}  // namespace srpd::transport
