// The protocol of sd_notify(3), with a manager of the test's own.
#include "service/manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace srpd::service {
namespace {

using namespace std::chrono_literals;

class Manager : public testing::Test {
 protected:
  void SetUp() override {
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // An abstract name, of the kernel's choice.
    ASSERT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family), 0);
    socklen_t length = sizeof address;
    ASSERT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    const std::string name(address.sun_path + 1, length - sizeof address.sun_family - 1);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  void TearDown() override {
    ::close(fd_);
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      ::unsetenv(name);
  }

  std::string received() {
    std::array<char, 4096> text{};
    const ssize_t n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
    return n < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(n));
  }

 private:
  int fd_ = -1;
};

TEST_F(Manager, HearsOfEachState) {
  tell_ready("2 disks");
  EXPECT_EQ(received(), "READY=1\nSTATUS=2 disks");
  tell_alive();
  EXPECT_EQ(received(), "WATCHDOG=1");
  tell_stopping("hosts are told");
  EXPECT_EQ(received(), "STOPPING=1\nSTATUS=hosts are told");
}

TEST_F(Manager, LearnsWhenAReloadBegan) {
  tell_reloading();
  const std::string text = received();
  const std::string prefix = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_TRUE(text.starts_with(prefix)) << text;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const std::chrono::microseconds told(std::stoull(text.substr(prefix.size())));
  EXPECT_LE(told, now);
  EXPECT_GT(told, now - 60s);
}

TEST_F(Manager, StatusCannotBecomeAnAssignment) {
  tell_ready("one\nMAINPID=1");
  const std::string text = received();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(Manager, AsksForTheWatchdogOfThisProcessOnly) {
  EXPECT_FALSE(watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(watchdog_interval(), 30s);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), 30s);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid() + 1).c_str(), 1);
  EXPECT_FALSE(watchdog_interval());
  ::unsetenv("WATCHDOG_PID");
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_FALSE(watchdog_interval());
}

TEST(NoManager, IsToldNothing) {
  ::unsetenv("NOTIFY_SOCKET");
  testing::internal::CaptureStderr();
  tell_ready("2 disks");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(NoManager, ThatListensIsAWarning) {
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  testing::internal::CaptureStderr();
  tell_ready("2 disks");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("check NOTIFY_SOCKET"), std::string::npos);
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace srpd::service
