#include <gtest/gtest.h>
#include <netinet/in.h>

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

TEST(Address, HostIsWhatAclsName) {
  EXPECT_EQ(Address::parse("192.0.2.1:7", 0)->host(), "192.0.2.1");
  EXPECT_EQ(Address::parse("[2001:db8::1]:7", 0)->host(), "2001:db8::1");
  EXPECT_EQ(Address::parse("[::ffff:192.0.2.1]:7", 0)->host(), "192.0.2.1");
  EXPECT_EQ(Address::parse("local:disks", 0)->host(), "disks");
}

TEST(Address, RefusesWhatIsMalformed) {
  for (const char* text :
       {"", ":5555", "[::1", "[::1]5555", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:x", "local:"})
    EXPECT_FALSE(Address::parse(text, 5555)) << text;
}

}  // namespace
}  // namespace srpd::transport
