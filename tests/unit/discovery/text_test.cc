// The block of ibsrpdm and the login strings of ib_srp.
#include "discovery/text.h"

#include <gtest/gtest.h>

#include "support/hex.h"
#include "unit/discovery/example.h"

namespace srpd::discovery {
namespace {

Gid gid_of(std::string_view text) {
  const auto bytes = test::hex(text);
  Gid gid{};
  std::copy(bytes.begin(), bytes.end(), gid.begin());
  return gid;
}
const Gid wiki_gid = gid_of("fe800000000000000002c903000e8acd");

// As rdma-core 44 prints it for the port of LIO's wiki.
constexpr const char* wiki_block =
    "IO Unit Info:\n"
    "    port LID:        0002\n"
    "    port GID:        fe800000000000000002c903000e8acd\n"
    "    change ID:       0001\n"
    "    max controllers: 0x10\n"
    "\n"
    "    controller[  1]\n"
    "        GUID:      0002c903000e8acc\n"
    "        vendor ID: 000002\n"
    "        device ID: 00673c\n"
    "        IO class : 0100\n"
    "        Maximum size of Send Messages in bytes: 8276\n"
    "        ID:        Linux SRP target\n"
    "        service entries: 1\n"
    "            service[  0]: 0002c903000e8acc / SRP.T10:0002c903000e8acc\n";

TEST(Text, BlockOfTheWiki) {
  EXPECT_EQ(block(test::wiki_unit(), infiniband_place(2, wiki_gid)), wiki_block);
}

TEST(Text, SeveralControllersAndAnotherPlace) {
  const IoUnit unit = test::unit_of({{1, 0xa, 1}, {2, 0xa, 1}, {1, 0xb, 1}});
  const std::string text = block(unit, place_line("address", "192.0.2.1:5555"));
  EXPECT_NE(text.find("IO Unit Info:\n    address:         192.0.2.1:5555\n    change ID:"),
            std::string::npos);
  EXPECT_NE(text.find("service entries: 2\n"), std::string::npos);
  EXPECT_NE(text.find("service[  1]: 0000000000000001 / SRP.T10:0000000000000002\n\n"),
            std::string::npos);
  EXPECT_NE(text.find("\n    controller[  2]\n        GUID:      000000000000000b\n"),
            std::string::npos);
}

TEST(Text, BytesOfOthersCannotControlATerminal) {
  IoUnit unit = test::wiki_unit();
  unit.controllers[1].id = "a\x1b[2Jb\n";
  unit.controllers[1].services[0].name = "SRP.T10:\xff";
  const std::string text = block(unit, "");
  EXPECT_NE(text.find("ID:        a?[2Jb?\n"), std::string::npos);
  EXPECT_NE(text.find("/ SRP.T10:?\n"), std::string::npos);
}

TEST(Text, Logins) {
  IoUnit unit = test::unit_of({{0x10, 0xa, 0x13f5555}, {0x11, 0xa, 0x13f5555}, {1, 0xb, 7}});
  unit.controllers[2].services[0].name = "something else";
  const auto found = logins(unit);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(login_by_gid(found[1], wiki_gid, 0xffff),
            "id_ext=0000000000000011,ioc_guid=000000000000000a,"
            "dgid=fe800000000000000002c903000e8acd,pkey=ffff,service_id=00000000013f5555");
  EXPECT_EQ(login_by_address(found[0], "[fe80::1]:5555"),
            "id_ext=0000000000000010,ioc_guid=000000000000000a,dest=[fe80::1]:5555");
}

TEST(Text, AnOlderIoClassIsSaid) {
  const Login login{1, 2, 3, 0xff00, 8276};
  EXPECT_TRUE(login_by_address(login, "192.0.2.1:5555").ends_with(",io_class=ff00"));
  EXPECT_TRUE(login_by_gid(login, wiki_gid, 0xffff).ends_with(",io_class=ff00"));
}

}  // namespace
}  // namespace srpd::discovery
