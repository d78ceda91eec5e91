// Login strings as ib_srp takes them.
#include "kernel/login_string.h"

#include <gtest/gtest.h>

namespace srpd::kernel {
namespace {

TEST(LoginString, BothForms) {
  for (const char* const text :
       {"id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acd,dest=192.0.2.10:5555",
        "id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acd,dest=[2001:db8::1]:5555,queue_size=64",
        "id_ext=0002c903000e8acc,ioc_guid=0002c903000e8acd,"
        "dgid=fe800000000000000002c903000e8acd,pkey=ffff,service_id=00000000013f15b3,ch_count=4"}) {
    const auto login = parse_login_string(text);
    ASSERT_TRUE(login) << login.error().text();
    EXPECT_EQ(login->text(), text);
    EXPECT_EQ(login->id_ext, 0x0002c903000e8accu);
    EXPECT_EQ(login->ioc_guid, 0x0002c903000e8acdu);
  }
}

TEST(LoginString, AnyOrderAndShortNumbers) {
  const auto login = parse_login_string("dest=192.0.2.1:1,queue_size=8,ioc_guid=0x2,id_ext=1\n");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->text(),
            "id_ext=0000000000000001,ioc_guid=0000000000000002,dest=192.0.2.1:1,queue_size=8");
  EXPECT_EQ(login->place(), "dest=192.0.2.1:1");
}

TEST(LoginString, MistakesAreNamed) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"", "missing"},
      {"id_ext=1,dest=192.0.2.1:1", "ioc_guid is missing"},
      {"id_ext=x,ioc_guid=1,dest=192.0.2.1:1", "id_ext"},
      {"id_ext=11111111111111111,ioc_guid=1,dest=192.0.2.1:1", "id_ext"},
      {"id_ext=1,ioc_guid=1", "either dest"},
      {"id_ext=1,ioc_guid=1,dest=192.0.2.1", "IP:PORT"},
      {"id_ext=1,ioc_guid=1,dgid=fe80,pkey=ffff,service_id=1", "dgid"},
      {"id_ext=1,ioc_guid=1,dgid=fe800000000000000002c903000e8acd,pkey=ffff", "service_id"},
      {"id_ext=1,ioc_guid=1,dgid=fe800000000000000002c903000e8acd,pkey=fffff,service_id=1", "pkey"},
      {"id_ext=1,ioc_guid=1,dest=192.0.2.1:1,queue=8", "\"queue\""},
  };
  for (const auto& [text, part] : mistakes) {
    const auto login = parse_login_string(text);
    ASSERT_FALSE(login) << text;
    EXPECT_NE(login.error().text().find(part), std::string::npos) << login.error().text();
    EXPECT_FALSE(login.error().remedy.empty());
  }
}

TEST(LoginString, Options) {
  const auto options = parse_login_options("queue_size=64,ch_count=4");
  ASSERT_TRUE(options);
  ASSERT_EQ(options->size(), 2u);
  EXPECT_EQ(options->back(), LoginString::Option("ch_count", "4"));
  EXPECT_FALSE(parse_login_options("queue_size="));
  EXPECT_FALSE(parse_login_options("id_ext=1"));
  EXPECT_FALSE(parse_login_options("dest=192.0.2.1:1"));
}

TEST(LoginString, Gids) {
  EXPECT_EQ(discovery::hex(parse_gid("fe80:0000:0000:0000:0002:c903:000e:8acd").value()),
            "fe800000000000000002c903000e8acd");
  EXPECT_EQ(parse_gid("0xfe800000000000000002c903000e8acd"), parse_gid("fe80::2:c903:e:8acd"));
  EXPECT_FALSE(parse_gid("fe800000000000000002c903000e8ac"));
  EXPECT_FALSE(parse_gid("fe800000000000000002c903000e8acg"));
}

}  // namespace
}  // namespace srpd::kernel
