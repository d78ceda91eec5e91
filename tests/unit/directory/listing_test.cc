// What is printed of a listing.
#include "directory/listing.h"

#include <gtest/gtest.h>

#include "samples.h"

namespace srpd::directory {
namespace {

TEST(Listing, LoginLinesInAllForms) {
  const Listing listing = sample();
  const auto lines = login_lines(listing);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text,
            "id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acc,dest=192.0.2.10:5555");
  EXPECT_EQ(lines[1].text, "id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acc,dest=[2001::1]:5555");
  EXPECT_EQ(lines[2].text,
            "id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acc,"
            "dgid=fe800000000000000000000000000009,pkey=ffff,service_id=00000000013f15b3");
  EXPECT_EQ(lines[2].listener, &listing.listeners[2]);
}

TEST(Listing, AListenerOfOneControllerLeadsToThatAlone) {
  const Listing listing = sample(2);
  const auto lines = login_lines(listing);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_NE(lines[1].text.find("ioc_guid=0002c903000e8acd"), std::string::npos);
  EXPECT_NE(lines[4].text.find("ioc_guid=0002c903000e8acc,dgid="), std::string::npos);
}

TEST(Listing, TheBlockOfIbsrpdm) {
  EXPECT_EQ(block(sample()),
            "IO Unit Info:\n"
            "    port LID:        0000\n"
            "    port GID:        00000000000000000000ffffc000020a\n"
            "    change ID:       0001\n"
            "    max controllers: 0x10\n"
            "\n"
            "    controller[  1]\n"
            "        GUID:      0002c903000e8acc\n"
            "        vendor ID: 000000\n"
            "        device ID: 000000\n"
            "        IO class : 0100\n"
            "        Maximum size of Send Messages in bytes: 8276\n"
            "        ID:        Linux SRP target\n"
            "        service entries: 1\n"
            "            service[  0]: 0002c903000e8acc / SRP.T10:0002c903000e8acc\n");
}

TEST(Listing, NextPort) {
  EXPECT_EQ(discovery_port(5555), 5556);
  EXPECT_EQ(discovery_port(65535), 65534);
}

TEST(Scope, LinkLocalAddressesAreReachedAsTheServiceWas) {
  Listing listing = sample(1);
  listing.listeners.resize(1);
  Listener local = listing.listeners[0];
  local.address = {};
  local.address[0] = std::byte{0xfe};
  local.address[1] = std::byte{0x80};
  local.address[15] = std::byte{1};
  listing.listeners.push_back(local);
  Listing over_ipv4 = listing;
  set_scope(listing, *transport::Address::parse("[fe80::1%lo]", 5556));
  ASSERT_EQ(listing.listeners.size(), 2u);
  EXPECT_EQ(listing.listeners[0].scope, "");
  EXPECT_EQ(address_text(listing.listeners[1]), "[fe80::1%lo]:5555");
  set_scope(over_ipv4, *transport::Address::parse("192.0.2.10", 5556));
  ASSERT_EQ(over_ipv4.listeners.size(), 1u);
  EXPECT_EQ(address_text(over_ipv4.listeners[0]), "192.0.2.10:5555");
}

}  // namespace
}  // namespace srpd::directory
