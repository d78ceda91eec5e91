// Logging in and out, and what is said when that fails.
#include "kernel/login.h"

#include <gtest/gtest.h>

#include "fake_kernel.h"
#include "kernel/kernel_log.h"

namespace srpd::kernel {
namespace {

using namespace std::chrono_literals;

class Login : public testing::Test {
 protected:
  Login() {
    kernel_.add_device("siw0", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet");
    port_ = srp_ports(files_).value().at(0);
  }
  Error refused(int error_number, const std::string& complaint = "") {
    kernel_.login_result = -error_number;
    kernel_.login_complaint = complaint;
    const auto done = log_in(files_, login_, port_);
    EXPECT_FALSE(done);
    return done ? Error{} : done.error();
  }
  FakeKernel kernel_;
  Files files_ = kernel_.files();
  Port port_;
  const LoginString login_ = login_of("id_ext=1,ioc_guid=2,dest=192.0.2.10:5555,queue_size=64");
};

TEST_F(Login, MakesAHost) {
  const auto done = log_in(files_, login_, port_);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->host, 2u);
  EXPECT_FALSE(done->already);
  EXPECT_EQ(kernel_.written.back(),
            "/sys/class/infiniband_srp/srp-siw0-1/add_target " + login_.text());
  const auto all = sessions(files_);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].id_ext, 1u);
  EXPECT_EQ(all[0].ioc_guid, 2u);
  EXPECT_EQ(all[0].device, "siw0:1");
  EXPECT_EQ(all[0].state, "running");
  EXPECT_EQ(all[0].place, "dest=192.0.2.10:5555");
}

TEST_F(Login, IsThereAlready) {
  ASSERT_TRUE(log_in(files_, login_, port_));
  const auto again = log_in(files_, login_, port_);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_TRUE(again->already);
  EXPECT_EQ(again->host, 2u);
}

TEST_F(Login, AtAnotherAddressThroughTheSamePortIsTheSameSession) {
  ASSERT_TRUE(log_in(files_, login_, port_));
  const auto other = log_in(files_, login_of("id_ext=1,ioc_guid=2,dest=192.0.2.11:5555"), port_);
  ASSERT_TRUE(other) << other.error().text();
  EXPECT_TRUE(other->already);
  EXPECT_EQ(other->host, 2u);
  EXPECT_EQ(sessions(files_).size(), 1u);
}

TEST_F(Login, ThatTheKernelHasNotForgottenYetIsTriedAWhile) {
  ASSERT_TRUE(log_in(files_, login_, port_));
  std::filesystem::remove_all(kernel_.root + "/sys/class/scsi_host/host2");
  const std::size_t before = kernel_.written.size();
  const auto again = log_in(files_, login_, port_);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().cause.find("already"), std::string::npos);
  EXPECT_GT(kernel_.written.size(), before + 2);
  EXPECT_LT(kernel_.written.size(), before + 20);
}

TEST_F(Login, RejectionsThatSayNothing) {
  const Error iwarp = refused(ECONNRESET, "scsi host0:   REJ reason 0xffffff98");
  EXPECT_NE(iwarp.cause.find("rejects"), std::string::npos);
  EXPECT_NE(iwarp.remedy.find("--allow"), std::string::npos);
  const Error nobody = refused(ECONNRESET, "scsi host0:   REJ reason 0x8");
  EXPECT_NE(nobody.cause.find("nothing listens"), std::string::npos);
}

TEST_F(Login, InfinibandPathsAreInSysfs) {
  const auto login = login_of(
      "id_ext=1,ioc_guid=2,dgid=fe800000000000000000000000000009,pkey=ffff,"
      "service_id=00000000013f15b3");
  kernel_.add_host(7, login);
  EXPECT_EQ(sessions(files_).at(0).place, login.place());
}

TEST_F(Login, RecordsOfOtherSessionsDoNotCount) {
  remember(files_, 4, login_);
  kernel_.add_host(4, login_of("id_ext=9,ioc_guid=9,dest=192.0.2.10:5555"));
  EXPECT_EQ(sessions(files_).at(0).place, "");
  kernel_.remove_host(4);
  forget_gone(files_);
  EXPECT_FALSE(files_.exists("/run/srp/host4"));
}

TEST_F(Login, OtherScsiHostsAreNoSessions) {
  kernel_.put("/sys/class/scsi_host/host0/proc_name", "ahci\n");
  kernel_.put("/sys/class/scsi_host/nonsense/id_ext", "0x1\n");
  EXPECT_TRUE(sessions(files_).empty());
}

TEST_F(Login, RejectionsHaveTheStandardsName) {
  const Error error =
      refused(ECONNRESET, "scsi host2: ib_srp: SRP LOGIN REJECTED, reason 0x00010003");
  EXPECT_NE(error.object.find("192.0.2.10:5555"), std::string::npos);
  EXPECT_NE(error.cause.find("UNABLE TO ASSOCIATE"), std::string::npos);
  EXPECT_NE(error.cause.find("0x00010003"), std::string::npos);
  EXPECT_NE(error.remedy.find("--allow"), std::string::npos);
}

TEST_F(Login, ATooLongIu) {
  const Error error =
      refused(ECONNRESET, "scsi host2: ib_srp: SRP_LOGIN_REJ: requested max_it_iu_len too large");
  EXPECT_NE(error.cause.find("0x00010002"), std::string::npos);
  EXPECT_NE(error.remedy.find("max_it_iu_size"), std::string::npos);
}

TEST_F(Login, OldNewsDoNotCount) {
  kernel_.kernel_says("scsi host1: ib_srp: SRP LOGIN REJECTED, reason 0x00010003");
  const Error error = refused(ECONNRESET);
  EXPECT_EQ(error.cause.find("0x00010003"), std::string::npos);
  EXPECT_NE(error.remedy.find("listens"), std::string::npos);
}

TEST_F(Login, EveryErrorHasCauseAndRemedy) {
  for (const int number : {EACCES, EPERM, ENOENT, ECONNRESET, ECONNREFUSED, ENODEV, ETIMEDOUT,
                           EHOSTUNREACH, ENETUNREACH, EINVAL, EIO, ENOMEM, EBUSY}) {
    const Error error = refused(number, "scsi host2: ib_srp:   REJ reason 0x8");
    EXPECT_FALSE(error.object.empty() || error.cause.empty() || error.remedy.empty());
  }
  EXPECT_NE(refused(EACCES).remedy.find("root"), std::string::npos);
  EXPECT_NE(
      refused(ECONNRESET, "scsi host2: ib_srp:   REJ reason 0x8").cause.find("REJ reason 0x8"),
      std::string::npos);
}

TEST_F(Login, WhereNobodyListens) {
  const Error error = refused(EINVAL, "scsi host0: ib_srp: Connection 0/2 to 192.0.2.10 failed");
  EXPECT_NE(error.cause.find("no connection"), std::string::npos);
  EXPECT_NE(error.remedy.find("listens"), std::string::npos);
}

TEST_F(Login, LogsOut) {
  ASSERT_TRUE(log_in(files_, login_, port_));
  ASSERT_TRUE(log_out(files_, sessions(files_).at(0), 1s));
  EXPECT_EQ(kernel_.written.back(), "/sys/class/srp_remote_ports/port-2:1/delete 1");
  EXPECT_TRUE(sessions(files_).empty());
  EXPECT_FALSE(files_.exists("/run/srp/host2"));
  Session gone;
  gone.host = 2;
  const auto again = log_out(files_, gone, 1s);
  ASSERT_FALSE(again);
  EXPECT_FALSE(again.error().remedy.empty());
}

TEST_F(Login, Disks) {
  kernel_.add_disk(2, 10, "sdc", 4096);
  kernel_.add_disk(2, 2, "sdb", 2048);
  kernel_.add_disk(2, 3, "sr0", 8, "5");
  kernel_.add_disk(20, 0, "sdx", 8);
  const std::string by_id = kernel_.root + "/dev/disk/by-id";
  std::filesystem::create_directories(by_id);
  std::filesystem::create_symlink("../../sdb", by_id + "/scsi-36001405");
  std::filesystem::create_symlink("../../sdb", by_id + "/wwn-0x6001405");
  const auto found = wait_for_disks(files_, 2, 5s);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].lun, "2");
  EXPECT_EQ(found[0].name, "sdb");
  EXPECT_EQ(found[0].bytes, 1u << 20);
  EXPECT_EQ(found[0].vendor, "LIO-ORG");
  EXPECT_EQ(found[0].by_id, "/dev/disk/by-id/wwn-0x6001405");
  EXPECT_EQ(found[1].lun, "10");
  EXPECT_EQ(found[1].by_id, "");
}

TEST_F(Login, NoDisks) { EXPECT_TRUE(wait_for_disks(files_, 2, 100ms).empty()); }

TEST(KernelFiles, AreReadAndWritten) {
  FakeKernel kernel;
  const Files files(kernel.root);
  kernel.put("/sys/value", "old\n");
  EXPECT_EQ(files.read("/sys/value"), "old");
  EXPECT_EQ(files.write("/sys/value", "new"), 0);
  EXPECT_EQ(files.read("/sys/value"), "new");
  EXPECT_EQ(files.write("/sys/none", "x"), -ENOENT);
  EXPECT_FALSE(files.read("/sys/none"));
}

TEST(KernelLogFile, OnlyWhatComesAfterwards) {
  FakeKernel kernel;
  KernelLog log(kernel.files());
  EXPECT_TRUE(log.take().empty());
  kernel.kernel_says("scsi host2: ib_srp: new target: id_ext 1");
  const auto lines = log.take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "scsi host2: ib_srp: new target: id_ext 1");
  EXPECT_TRUE(log.take().empty());
}

TEST(KernelLogFile, MayBeClosedToUs) {
  const Files nothing("/nowhere");
  EXPECT_TRUE(KernelLog(nothing).take().empty());
}

}  // namespace
}  // namespace srpd::kernel
