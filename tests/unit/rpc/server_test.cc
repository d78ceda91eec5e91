#include "rpc/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <string>

#include "rpc/client.h"
#include "rpc/unix_socket.h"
#include "support/directory.h"
#include "support/rpc_world.h"

namespace srpd::rpc {
namespace {

using srpd::test::Directory;
using ::testing::HasSubstr;

/// A client that sends any bytes.
class Raw {
 public:
  explicit Raw(const std::string& path) {
    int number = 0;
    auto connected = connect_to(path, number);
    EXPECT_TRUE(connected.has_value()) << number;
    if (connected) socket_ = std::move(*connected);
  }
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Up to the newline; what there is at the end of the stream.
  std::string line() const {
    std::string out;
    char c = 0;
    while (::recv(socket_.get(), &c, 1, 0) == 1 && c != '\n') out += c;
    return out;
  }
  void end() const { ::shutdown(socket_.get(), SHUT_WR); }

 private:
  Descriptor socket_;
};

/// Answers with the line itself; "wait" waits until it is let go.
class Echo {
 public:
  std::string operator()(std::string_view line) {
    if (line == "wait") {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return free_; });
    }
    return line == "silence" ? std::string() : std::string(line);
  }
  void wait_for(int waiting) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == waiting; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool free_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  void start(const ServerOptions& wanted = {}) {
    ServerOptions options = wanted;
    options.path = path;
    auto started = Server::start([this](std::string_view line) { return echo(line); }, options);
    ASSERT_TRUE(started.has_value()) << started.error().text();
    server = std::move(*started);
  }

  Directory directory;
  std::string path = directory / "run/srpd.sock";
  Echo echo;
  std::unique_ptr<Server> server;
};

TEST_F(ServerTest, AnswersLinesInTheirOrder) {
  start();
  const Raw client(path);
  client.send("one\n\n  \ntw");
  EXPECT_EQ(client.line(), "one");
  client.send("o\nsilence\nthree\n");
  EXPECT_EQ(client.line(), "two");
  EXPECT_EQ(client.line(), "three");
}

TEST_F(ServerTest, OnlyOwnerAndGroupMayConnect) {
  start();
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660u);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

TEST_F(ServerTest, OneThatWaitsDelaysNobodyElse) {
  start();
  const Raw slow(path);
  slow.send("wait\n");
  echo.wait_for(1);
  const Raw silent(path);
  silent.send("half a li");
  for (int i = 0; i < 10; ++i) {
    const Raw client(path);
    client.send("quick\n");
    EXPECT_EQ(client.line(), "quick");
  }
  echo.let_go();
  EXPECT_EQ(slow.line(), "wait");
}

TEST_F(ServerTest, TheLongestIdleMakesRoom) {
  start({.max_connections = 2});
  const Raw working(path);
  working.send("wait\n");
  echo.wait_for(1);
  const Raw idle(path);
  idle.send("x\n");
  EXPECT_EQ(idle.line(), "x");
  const Raw third(path);
  third.send("y\n");
  EXPECT_EQ(third.line(), "y");
  EXPECT_EQ(idle.line(), "");
  third.send("wait\n");
  echo.wait_for(2);
  const Raw fourth(path);
  EXPECT_THAT(fourth.line(), HasSubstr("-32002"));
  echo.let_go();
  EXPECT_EQ(working.line(), "wait");
  EXPECT_EQ(third.line(), "wait");
}

TEST_F(ServerTest, ARequestHasALargestSize) {
  start({.max_line = 100'000});
  const Raw exact(path);
  exact.send(std::string(100'000, 'a') + "\n");
  EXPECT_EQ(exact.line(), std::string(100'000, 'a'));
  const Raw large(path);
  std::thread sender([&] { large.send(std::string(10'000'000, 'a')); });
  EXPECT_THAT(large.line(), HasSubstr("-32001"));
  sender.join();
  const Raw other(path);
  other.send("still there\n");
  EXPECT_EQ(other.line(), "still there");
}

TEST_F(ServerTest, AllThatWaitsHasALargestSize) {
  start({.max_waiting_bytes = 1500});
  const Raw first(path);
  first.send("x\n" + std::string(1000, 'a'));
  EXPECT_EQ(first.line(), "x");
  const Raw second(path);
  second.send(std::string(1000, 'b'));
  EXPECT_THAT(second.line(), HasSubstr("try again"));
  first.send("\n");
  EXPECT_EQ(first.line(), std::string(1000, 'a'));
}

TEST_F(ServerTest, StopFinishesWhatIsBeingAnswered) {
  start();
  const Raw client(path);
  client.send("wait\n");
  echo.wait_for(1);
  const Raw idle(path);
  std::thread stopping([&] { server->stop(); });
  EXPECT_EQ(idle.line(), "");
  echo.let_go();
  EXPECT_EQ(client.line(), "wait");
  stopping.join();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, OneThatTakesNoAnswerIsClosed) {
  start({.send_timeout = std::chrono::seconds(1)});
  const Raw client(path);
  std::string line(1'000'000, 'a');
  line += '\n';
  // Somewhere in between the answers fill the socket, and then the requests do.
  bool accepted = true;
  for (int i = 0; accepted && i < 1000; ++i) accepted = client.send(line);
  EXPECT_FALSE(accepted);
}

TEST_F(ServerTest, ASocketThatSomebodyServesIsLeftAlone) {
  start();
  ServerOptions options;
  options.path = path;
  const auto second = Server::start([](std::string_view) { return std::string(); }, options);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().text(), HasSubstr("another srpd"));
  const Raw client(path);
  client.send("x\n");
  EXPECT_EQ(client.line(), "x");
}

TEST_F(ServerTest, WhatAKilledProcessLeftIsReplaced) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  {
    const auto left = listen_at(path, 0600, std::nullopt);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  start();
  const Raw client(path);
  client.send("x\n");
  EXPECT_EQ(client.line(), "x");
}

TEST_F(ServerTest, OtherFilesAreNotReplaced) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << "precious";
  ServerOptions options;
  options.path = path;
  const auto started = Server::start([](std::string_view) { return std::string(); }, options);
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().text(), HasSubstr("no socket"));
  options.path = std::string(200, 'x');
  EXPECT_FALSE(Server::start([](std::string_view) { return std::string(); }, options));
}

TEST(Client, TalksToTheMethods) {
  const Directory directory;
  test::World world;
  ServerOptions options;
  options.path = directory / "srpd.sock";
  const auto server = Server::start(
      [&](std::string_view line) { return answer_line(world.services, line); }, options);
  ASSERT_TRUE(server.has_value()) << server.error().text();
  const auto client = Client::connect(options.path);
  ASSERT_TRUE(client.has_value()) << client.error().text();
  EXPECT_EQ((*client)->daemon_version(), "0.1.0");
  EXPECT_EQ(*(*client)->call("tree.get", {{"path", "target/dbroot"}}),
            Json::parse(R"({"value": "/var/target"})"));
  const auto refused = (*client)->call("tree.delete", {{"path", "target/core"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().object, "target/core");
  EXPECT_FALSE((*client)->call("no.such").has_value());
  (*server)->stop();
  const auto lost = (*client)->call("version");
  ASSERT_FALSE(lost.has_value());
  EXPECT_THAT(lost.error().text(), HasSubstr("closed the connection"));
}

TEST(Client, SaysWhatToDoWithoutADaemon) {
  const Directory directory;
  const auto client = Client::connect(directory / "none.sock");
  ASSERT_FALSE(client.has_value());
  EXPECT_THAT(client.error().text(), HasSubstr("start it"));
}

}  // namespace
}  // namespace srpd::rpc
