// The configuration file of the daemon.
#include "kernel/daemon_config.h"

#include <gtest/gtest.h>

namespace srpd::kernel {
namespace {

TEST(DaemonConfigFile, Everything) {
  const auto config = parse_daemon_config(
      "# what this host uses\n"
      "interval 30\n"
      "\n"
      "options queue_size=64\n"
      "connect 192.0.2.10\n"
      "connect srp://storage:5600/0002c903000e8acc/ ch_count=4 device=siw0:1  # fast\n"
      "connect all addresses=all queue_size=32\n"
      "except 0002c903000e8acd 00000000000000010000000000000002\n"
      "options\n"
      "login id_ext=1,ioc_guid=2,dest=192.0.2.11:5555,ch_count=2 device=rxe0",
      "f");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->interval.count(), 30);
  ASSERT_EQ(config->rules.size(), 4u);
  const auto& rules = config->rules;
  EXPECT_EQ(rules[0].kind, DaemonRule::Kind::target);
  EXPECT_EQ(rules[0].target, "192.0.2.10");
  EXPECT_EQ(rules[0].options, (std::vector<LoginString::Option>{{"queue_size", "64"}}));
  EXPECT_EQ(rules[1].target, "srp://storage:5600/0002c903000e8acc/");
  EXPECT_EQ(rules[1].options,
            (std::vector<LoginString::Option>{{"queue_size", "64"}, {"ch_count", "4"}}));
  EXPECT_EQ(rules[1].device, "siw0:1");
  EXPECT_FALSE(rules[1].all_addresses);
  EXPECT_EQ(rules[2].kind, DaemonRule::Kind::everything);
  EXPECT_TRUE(rules[2].all_addresses);
  EXPECT_EQ(rules[2].options, (std::vector<LoginString::Option>{{"queue_size", "32"}}));
  EXPECT_EQ(rules[3].kind, DaemonRule::Kind::login);
  EXPECT_EQ(rules[3].login.dest, "192.0.2.11:5555");
  EXPECT_EQ(rules[3].device, "rxe0");
  EXPECT_TRUE(rules[3].options.empty());
  ASSERT_EQ(config->exceptions.size(), 2u);
  EXPECT_EQ(config->exceptions[0], (DaemonException{0x0002c903000e8acd, 0x0002c903000e8acd}));
  EXPECT_EQ(config->exceptions[1], (DaemonException{1, 2}));
}

TEST(DaemonConfigFile, MistakesNameTheLine) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"\nconect 192.0.2.10\n", "\"conect\""}, {"\ninterval 0\n", "interval"},
      {"\ninterval soon\n", "interval"},       {"\ninterval 1 2\n", "interval"},
      {"\nconnect\n", "needs a target"},       {"\nconnect 192.0.2.10 queu_size=3\n", "queu_size"},
      {"\noptions queue_size\n", "missing"},   {"\nlogin\n", "needs a string"},
      {"\nlogin id_ext=1\n", "missing"},       {"\nexcept 12\n", "\"12\""},
  };
  for (const auto& [text, part] : mistakes) {
    const auto config = parse_daemon_config(text, "daemon.conf");
    ASSERT_FALSE(config) << text;
    const std::string said = config.error().text();
    EXPECT_TRUE(said.starts_with("daemon.conf line 2: ")) << said;
    EXPECT_NE(said.find(part), std::string::npos) << said;
    EXPECT_FALSE(config.error().remedy.empty());
  }
}

TEST(DaemonConfigFile, NamesNothing) {
  const auto config = parse_daemon_config("# nothing\ninterval 5\n", "f");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().remedy.find("connect all"), std::string::npos);
}

}  // namespace
}  // namespace srpd::kernel
