// What the daemon logs in to, and when again.
#include "kernel/keeper.h"

#include <gtest/gtest.h>

#include "fake_kernel.h"
#include "kernel/uevents.h"

namespace srpd::kernel {
namespace {

LoginString at(const char* ip, unsigned id = 1) {
  return login_of(fmt::format("id_ext={0},ioc_guid={0},dest={1}:5555", id, ip));
}

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() {
    kernel_.add_device("rxe0", "0000:0000:0000:0000:0000:ffff:c000:0201", "Ethernet");
    kernel_.through = "rxe0";
  }
  FakeKernel kernel_;
  Files files_ = kernel_.files();
  Keeper keeper_{files_, [](std::string_view) -> Expected<Route> {
                   return route_through("eth0", "::ffff:192.0.2.1");
                 }};
};

TEST_F(KeeperTest, LogsInOnce) {
  const std::vector<Wanted> wanted = {
      {at("192.0.2.10"), ""}, {at("192.0.2.10"), ""}, {at("192.0.2.10", 2), ""}};
  const auto first = keeper_.pass(wanted);
  EXPECT_EQ(first.connected, 2u);
  EXPECT_EQ(first.failed, 0u);
  EXPECT_EQ(kernel_.hosts.size(), 2u);
  const std::size_t writes = kernel_.written.size();
  EXPECT_EQ(keeper_.pass(wanted).connected, 2u);
  EXPECT_EQ(kernel_.written.size(), writes);
}

TEST_F(KeeperTest, LogsInAgainToWhatVanished) {
  const std::vector<Wanted> wanted = {{at("192.0.2.10"), ""}};
  keeper_.pass(wanted);
  kernel_.remove_host(2);
  EXPECT_EQ(keeper_.pass(wanted).failed, 0u);
  EXPECT_EQ(kernel_.hosts.count(3), 1u);
}

TEST_F(KeeperTest, AnotherAddressOfTheSameTargetIsAskedForOnce) {
  const std::vector<Wanted> wanted = {{at("192.0.2.10"), ""}, {at("192.0.2.11"), ""}};
  EXPECT_EQ(keeper_.pass(wanted).failed, 0u);
  EXPECT_EQ(kernel_.hosts.size(), 1u);
  const std::size_t writes = kernel_.written.size();
  EXPECT_EQ(keeper_.pass(wanted).failed, 0u);
  EXPECT_EQ(kernel_.written.size(), writes);
  kernel_.remove_host(2);
  EXPECT_EQ(keeper_.pass(wanted).failed, 0u);
  EXPECT_EQ(kernel_.hosts.size(), 1u);
}

TEST_F(KeeperTest, RemovesNothing) {
  keeper_.pass({{at("192.0.2.10"), ""}});
  keeper_.pass({});
  EXPECT_EQ(kernel_.hosts.size(), 1u);
}

TEST_F(KeeperTest, FailuresAreCountedAndTriedAgain) {
  kernel_.login_result = -ECONNRESET;
  const std::vector<Wanted> wanted = {{at("192.0.2.10"), ""}, {at("192.0.2.11"), "siw9"}};
  const auto outcome = keeper_.pass(wanted);
  EXPECT_EQ(outcome.failed, 2u);
  EXPECT_EQ(outcome.connected, 0u);
  kernel_.login_result = 0;
  EXPECT_EQ(keeper_.pass(wanted).failed, 1u);
}

TEST_F(KeeperTest, WhatFailedComesLast) {
  kernel_.login_result = -ECONNRESET;
  keeper_.pass({{at("192.0.2.10"), ""}});
  kernel_.login_result = 0;
  kernel_.written.clear();
  keeper_.pass({{at("192.0.2.10"), ""}, {at("192.0.2.11", 2), ""}});
  ASSERT_EQ(kernel_.written.size(), 2u);
  EXPECT_NE(kernel_.written[0].find("192.0.2.11"), std::string::npos);
  EXPECT_NE(kernel_.written[1].find("192.0.2.10"), std::string::npos);
}

TEST_F(KeeperTest, LeavesTheRestWhenAbandoned) {
  std::atomic<bool> abandoned{false};
  const Files files(kernel_.root, [&](const std::string&, std::string_view) {
    abandoned = true;
    return -EINTR;
  });
  Keeper keeper(files, [](std::string_view) -> Expected<Route> {
    return route_through("eth0", "::ffff:192.0.2.1");
  });
  const auto outcome = keeper.pass({{at("192.0.2.10"), ""}, {at("192.0.2.11", 2), ""}}, abandoned);
  EXPECT_EQ(outcome.failed, 2u);
  EXPECT_EQ(outcome.connected, 0u);
  abandoned = false;
  EXPECT_EQ(keeper.pass({{at("192.0.2.10"), ""}}, abandoned).failed, 1u);
}

TEST(Missing, ASessionOfOthersStandsForOneLogin) {
  Session of_others;
  of_others.id_ext = of_others.ioc_guid = 1;
  const std::vector<Wanted> wanted = {{at("192.0.2.10"), ""}, {at("192.0.2.11"), ""}};
  EXPECT_EQ(missing(wanted, {of_others}).size(), 1u);
  Session ours = of_others;
  ours.place = "dest=192.0.2.11:5555";
  EXPECT_TRUE(missing(wanted, {of_others, ours}).empty());
  const auto left = missing(wanted, {ours});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].login.dest, "192.0.2.10:5555");
}

TEST(Uevent, OfScsiHosts) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(concerns_sessions("remove@/devices/virtual/host2/scsi_host/host2\0ACTION=remove"sv));
  EXPECT_TRUE(concerns_sessions("add@/devices/x/infiniband_srp/srp-siw0-1\0"sv));
  EXPECT_FALSE(concerns_sessions("change@/devices/virtual/host2/scsi_host/host2\0"sv));
  EXPECT_FALSE(concerns_sessions("remove@/devices/virtual/block/loop0\0X=/scsi_host/"sv));
  EXPECT_FALSE(concerns_sessions(""sv));
}

}  // namespace
}  // namespace srpd::kernel
