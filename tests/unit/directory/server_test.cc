// The discovery service and who asks it, on simulated time: what visitors learn, and what each kind
// of bad visitor can and cannot do.
#include "directory/server.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/log.h"
#include "directory/query.h"
#include "runtime/simulated_loop.h"
#include "samples.h"
#include "srp/login.h"
#include "transport/local/local_transport.h"

namespace srpd::directory {
namespace {

using namespace std::chrono_literals;
using transport::LocalTransport;

class DiscoveryService : public testing::Test {
 protected:
  DiscoveryService() { start({}); }
  ~DiscoveryService() override {
    if (!down_) shut_down();
  }

  void start(const ServerOptions& options) {
    if (server_ != nullptr) shut_down();
    down_ = false;
    server_ = std::make_unique<Server>(loop_, options, [this](const transport::Address&) {
      return std::make_shared<const Listing>(served_);
    });
    ASSERT_TRUE(server_->listen(transport_, LocalTransport::address("discovery")));
  }
  void shut_down() {
    server_->shut_down([this] { down_ = true; });
    pass(5s);
    EXPECT_TRUE(down_);
  }
  void pass(runtime::Time time) { simulation_.run_until(simulation_.now() + time); }

  Query::Result query(const char* name = "discovery") {
    std::optional<Query::Result> result;
    Query query(loop_, transport_, LocalTransport::address(name), 5s,
                [&](Query::Result r) { result = std::move(r); });
    simulation_.run_until([&] { return result.has_value(); }, simulation_.now() + 10s);
    EXPECT_TRUE(result.has_value());
    return result.value_or(tl::make_unexpected(QueryFailure{}));
  }

  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
  LocalTransport transport_;
  Listing served_ = sample(3);
  std::unique_ptr<Server> server_;
  bool down_ = false;
};

/// A connection that says whatever a test wants.
class Visitor final : public transport::Connector::Handler, public transport::Channel::Handler {
 public:
  Visitor(runtime::Loop& loop, LocalTransport& transport, std::span<const std::byte> private_data) {
    transport::ConnectOptions options;
    options.peer = LocalTransport::address("discovery");
    options.private_data = private_data;
    options.parameters.max_receive_iu = 256;
    options.parameters.receive_count = 8;
    connector_ = transport.connect(loop, options, *this);
  }
  void send(std::span<const std::byte> iu) {
    auto& work = works_.emplace_back();
    work.bytes.assign(iu.begin(), iu.end());
    work.iu = work.bytes;
    channel->send(work);
  }

  std::unique_ptr<transport::Channel> channel;
  std::vector<std::byte> answer;
  bool rejected = false, failed = false, closed = false;
  std::size_t answers = 0;

 private:
  struct Work : transport::SendWork {
    Work() : SendWork([](runtime::Completion&) {}) {}
    std::vector<std::byte> bytes;
  };
  void on_connected(std::unique_ptr<transport::Channel> made,
                    std::span<const std::byte> private_data) override {
    answer.assign(private_data.begin(), private_data.end());
    channel = std::move(made);
    channel->start(*this);
  }
  void on_rejected(std::span<const std::byte> private_data) override {
    answer.assign(private_data.begin(), private_data.end());
    rejected = true;
  }
  void on_failed(const Error&) override { failed = true; }
  void on_iu(transport::Iu& iu) override {
    ++answers;
    channel->release(iu);
  }
  void on_closed(const transport::CloseReason&) override { closed = true; }

  std::unique_ptr<transport::Connector> connector_;
  std::deque<Work> works_;
};

TEST_F(DiscoveryService, TellsTheListing) {
  const auto result = query();
  ASSERT_TRUE(result) << result.error().error.text();
  EXPECT_EQ(*result, served_);
  pass(1s);
  EXPECT_EQ(server_->visitors(), 0u);
}

TEST_F(DiscoveryService, NobodyThere) {
  const auto result = query("elsewhere");
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().error.cause.empty());
}

TEST_F(DiscoveryService, AnSrpLoginIsRejectedInItsOwnWords) {
  const auto login = srp::build_login_rdma({.tag = wire::srp::to_tag(0x1234)});
  Visitor visitor(loop_, transport_, wire::bytes_of(login));
  pass(1s);
  ASSERT_TRUE(visitor.rejected);
  const auto rejection = srp::parse_login_rej(visitor.answer);
  ASSERT_TRUE(rejection);
  EXPECT_EQ(rejection->tag, wire::srp::to_tag(0x1234));
}

TEST_F(DiscoveryService, OtherGreetingsAreRejectedWithAReason) {
  auto hello = build_hello();
  hello.version = 9;
  Visitor newer(loop_, transport_, wire::bytes_of(hello));
  const std::array<std::byte, 3> noise{};
  Visitor stranger(loop_, transport_, noise);
  Visitor silent(loop_, transport_, {});
  pass(1s);
  for (const Visitor* each : {&newer, &stranger, &silent}) {
    ASSERT_TRUE(each->rejected);
    ASSERT_EQ(each->answer.size(), 16u);
  }
  EXPECT_EQ(newer.answer[9], std::byte{2});
  EXPECT_EQ(stranger.answer[9], std::byte{1});
  EXPECT_EQ(silent.answer[9], std::byte{1});
  EXPECT_EQ(server_->visitors(), 0u);
}

TEST_F(DiscoveryService, WhatIsNoRequestEndsTheVisit) {
  const auto hello = build_hello();
  const auto good = discovery::request_mad(discovery::ask_io_unit(), 1);
  auto wrong = good;
  wrong[1] = std::byte{3};
  for (const std::span<const std::byte> iu :
       {std::span<const std::byte>(good).first(100), std::span<const std::byte>(wrong)}) {
    Visitor visitor(loop_, transport_, wire::bytes_of(hello));
    pass(1s);
    ASSERT_NE(visitor.channel, nullptr);
    visitor.send(iu);
    pass(5s);
    EXPECT_TRUE(visitor.closed);
    EXPECT_EQ(visitor.answers, 0u);
    EXPECT_EQ(server_->visitors(), 0u);
  }
}

TEST_F(DiscoveryService, RequestsThatWaitAreAnsweredInOrder) {
  const auto hello = build_hello();
  Visitor visitor(loop_, transport_, wire::bytes_of(hello));
  pass(1s);
  const auto request = discovery::request_mad(discovery::ask_io_unit(), 1);
  for (int i = 0; i < 4; ++i) visitor.send(request);
  pass(1s);
  EXPECT_EQ(visitor.answers, 4u);
  EXPECT_FALSE(visitor.closed);
}

TEST_F(DiscoveryService, AVisitIsBoundedInTimeAndRequests) {
  start({.max_requests = 10, .longest_visit = 2s});
  const auto hello = build_hello();
  Visitor idle(loop_, transport_, wire::bytes_of(hello));
  Visitor curious(loop_, transport_, wire::bytes_of(hello));
  pass(100ms);
  const auto request = discovery::request_mad(discovery::ask_io_unit(), 1);
  for (int i = 0; i < 20 && !curious.closed; ++i) {
    curious.send(request);
    pass(10ms);
  }
  pass(1s);
  EXPECT_TRUE(curious.closed);
  EXPECT_EQ(curious.answers, 10u);
  EXPECT_FALSE(idle.closed);
  pass(5s);
  EXPECT_TRUE(idle.closed);
  EXPECT_EQ(server_->visitors(), 0u);
}

TEST_F(DiscoveryService, TooManyVisitorsAreToldToComeAgain) {
  start({.max_visitors = 8, .max_visitors_per_host = 3});
  const auto hello = build_hello();
  std::deque<Visitor> visitors;
  for (int i = 0; i < 5; ++i) visitors.emplace_back(loop_, transport_, wire::bytes_of(hello));
  pass(1s);
  EXPECT_EQ(server_->visitors(), 3u);
  const auto busy = std::count_if(visitors.begin(), visitors.end(), [](const Visitor& visitor) {
    return visitor.rejected && visitor.answer[9] == std::byte{3};
  });
  EXPECT_EQ(busy, 2);
  const auto result = query();
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().absent);
  EXPECT_NE(result.error().error.cause.find("too many"), std::string::npos);
  visitors.clear();
  pass(40s);
  EXPECT_TRUE(query());
}

TEST_F(DiscoveryService, VisitsPerSecondAreBounded) {
  start({.visits_per_second = 2});
  EXPECT_TRUE(query());
  EXPECT_TRUE(query());
  EXPECT_FALSE(query());
  pass(1s);
  EXPECT_TRUE(query());
}

TEST_F(DiscoveryService, ShuttingDownSendsVisitorsAway) {
  const auto hello = build_hello();
  Visitor visitor(loop_, transport_, wire::bytes_of(hello));
  pass(100ms);
  EXPECT_EQ(server_->visitors(), 1u);
  shut_down();
  EXPECT_TRUE(visitor.closed);
  EXPECT_FALSE(query());
}

TEST_F(DiscoveryService, AQueryOfATargetSaysWhatIsWrong) {
  // A listener that answers as srpd's target does: with SRP_LOGIN_REJ.
  struct Target : transport::Listener::Handler {
    void on_request(std::unique_ptr<transport::ConnectRequest> request) override {
      const auto rejection = srp::build_login_rej({});
      request->reject(wire::bytes_of(rejection));
    }
  } target;
  const auto listener = transport_.listen(loop_, LocalTransport::address("target"), target);
  const auto result = query("target");
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().absent);
  EXPECT_NE(result.error().error.cause.find("something else"), std::string::npos);
}

}  // namespace
}  // namespace srpd::directory
