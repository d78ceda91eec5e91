// The local transport by itself: what it checks as a device would, what order it keeps, and how it
// ends. The suite that all transports share runs on it as well.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/simulated_loop.h"
#include "transport/local/local_transport.h"

namespace srpd::transport {
namespace {

using runtime::SimulatedLoop;
using runtime::Simulation;

class End : public Channel::Handler {
 public:
  ~End() = default;
  void on_iu(Iu& iu) override {
    received.emplace_back(reinterpret_cast<const char*>(iu.data), iu.length);
    if (keep_ius) {
      kept.push_back(&iu);
    } else {
      channel->release(iu);
    }
  }
  void on_closed(const CloseReason& close_reason) override { reason = close_reason; }

  std::unique_ptr<Channel> channel;
  std::vector<std::string> received;
  std::vector<Iu*> kept;
  bool keep_ius = false;
  std::optional<CloseReason> reason;
};

struct Send : SendWork {
  Send()
      : SendWork([](runtime::Completion& self) {
          auto& send = static_cast<Send&>(self);
          if (send.order != nullptr) send.order->push_back(send.id);
        }) {}
  int id = 0;
  std::vector<int>* order = nullptr;
};
struct Read : ReadWork {
  Read()
      : ReadWork([](runtime::Completion& self) {
          auto& read = static_cast<Read&>(self);
          if (read.order != nullptr) read.order->push_back(read.id);
        }) {}
  int id = 0;
  std::vector<int>* order = nullptr;
};

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Two ends on two loops, connected.
class LocalTransportTest : public testing::Test,
                           protected Listener::Handler,
                           protected ConnectRequest::Established,
                           protected Connector::Handler {
 protected:
  ~LocalTransportTest() override {
    for (End* end : {&initiator_, &target_})
      if (end->channel) end->channel->disconnect("end of test", false);
    simulation_.run_until_idle();
    initiator_.channel.reset();
    target_.channel.reset();
    simulation_.run_until_idle();
  }

  void connect(const FaultPlan& plan = {}) {
    FaultPlan with_report = plan;
    with_report.on_violation = [this](const std::string& text) { violation_ = text; };
    transport_.plan() = with_report;
    if (!listener_)
      listener_ = std::move(
          transport_.listen(target_loop_, LocalTransport::address("disk"), *this).value());
    ConnectOptions options;
    options.peer = LocalTransport::address("disk");
    options.private_data = bytes("hello");
    options.parameters = parameters_;
    connector_ = transport_.connect(initiator_loop_, options, *this);
    simulation_.run_until_idle();
  }

  void on_request(std::unique_ptr<ConnectRequest> request) override {
    EXPECT_EQ(request->private_data().size(), 5u);
    if (refuse_) {
      request->reject(bytes("no"));
    } else {
      request->accept(bytes("welcome"), parameters_, target_loop_, *this);
    }
  }
  void on_channel(std::unique_ptr<Channel> channel) override {
    target_.channel = std::move(channel);
    target_.channel->start(target_);
  }
  void on_lost(const CloseReason& reason) override { ADD_FAILURE() << reason.text; }
  void on_connected(std::unique_ptr<Channel> channel,
                    std::span<const std::byte> private_data) override {
    EXPECT_EQ(private_data.size(), 7u);
    initiator_.channel = std::move(channel);
    initiator_.channel->start(initiator_);
  }
  void on_rejected(std::span<const std::byte>) override { rejected_ = true; }
  void on_failed(const Error& error) override { failed_ = error.text(); }

  // One RDMA Write of "data" from the target to `segment`, run to its end.
  int write_to(const RemoteSegment& segment, std::uint32_t length = 4) {
    char data[] = "data";
    const iovec local{data, length};
    Send work;
    work.remote = {&segment, 1};
    work.local = {&local, 1};
    work.length = length;
    target_.channel->send(work);
    simulation_.run_until_idle();
    return work.result();
  }

  Simulation simulation_{1};
  SimulatedLoop initiator_loop_{simulation_};
  SimulatedLoop target_loop_{simulation_};
  LocalTransport transport_;
  ChannelParameters parameters_{.max_receive_iu = 512,
                                .receive_count = 4,
                                .max_send_iu = UINT32_MAX,
                                .inbound_reads = 2,
                                .outbound_reads = 2};
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Connector> connector_;
  End initiator_, target_;
  bool refuse_ = false;
  bool rejected_ = false;
  std::string failed_;
  std::string violation_;
};

TEST_F(LocalTransportTest, NobodyListens) {
  ConnectOptions options;
  options.peer = LocalTransport::address("nowhere");
  connector_ = transport_.connect(initiator_loop_, options, *this);
  simulation_.run_until_idle();
  EXPECT_NE(failed_.find("nobody listens"), std::string::npos) << failed_;
}

TEST_F(LocalTransportTest, TheNameIsTakenOnce) {
  connect();
  const auto second = transport_.listen(target_loop_, LocalTransport::address("disk"), *this);
  EXPECT_FALSE(second.has_value());
}

TEST_F(LocalTransportTest, RejectionArrives) {
  refuse_ = true;
  connect();
  EXPECT_TRUE(rejected_);
}

TEST_F(LocalTransportTest, WritesThenSendArriveInOrder) {
  connect({.seed = 7,
           .min_delay = std::chrono::microseconds(1),
           .max_delay = std::chrono::milliseconds(1)});
  char memory[8] = "....";
  const auto segment = initiator_.channel->expose(
      std::as_writable_bytes(std::span(memory)).first(4), Access::remote_write);
  char data[] = "data";
  const iovec local{data, 4};
  std::vector<int> order;
  Send works[3];
  for (int i = 0; i < 3; ++i) {
    works[i].id = i;
    works[i].order = &order;
    works[i].iu = bytes(i == 0 ? "first" : i == 1 ? "second" : "third");
  }
  works[1].remote = {&segment, 1};
  works[1].local = {&local, 1};
  works[1].length = 4;
  for (Send& work : works) target_.channel->send(work);
  EXPECT_TRUE(order.empty()) << "completed inline";
  simulation_.run_until_idle();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  EXPECT_EQ(initiator_.received, (std::vector<std::string>{"first", "second", "third"}));
  EXPECT_STREQ(memory, "data");
}

TEST_F(LocalTransportTest, ReadGathersFromItsOffset) {
  connect();
  char memory[] = "0123456789";
  const auto all = std::as_writable_bytes(std::span(memory));
  const RemoteSegment segments[] = {
      initiator_.channel->expose(all.subspan(0, 3), Access::remote_read),
      initiator_.channel->expose(all.subspan(5, 5), Access::remote_read)};
  char data[6] = "";
  const iovec local[] = {{data, 2}, {data + 2, 2}};
  Read read;
  read.remote = segments;
  read.remote_offset = 2;
  read.local = local;
  read.length = 4;
  target_.channel->read(read);
  simulation_.run_until_idle();
  EXPECT_EQ(read.result(), 0);
  EXPECT_STREQ(data, "2567");
}

TEST_F(LocalTransportTest, ReadsAndSendsMayOvertakeOneAnother) {
  char memory[4] = {};
  bool read_first = false;
  bool send_first = false;
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    connect({.seed = seed, .max_delay = std::chrono::milliseconds(1)});
    const auto segment =
        initiator_.channel->expose(std::as_writable_bytes(std::span(memory)), Access::both);
    char data[4];
    const iovec local{data, 4};
    std::vector<int> order;
    Send send;
    send.id = 1;
    send.order = &order;
    send.iu = bytes("iu");
    Read read;
    read.id = 2;
    read.order = &order;
    read.remote = {&segment, 1};
    read.local = {&local, 1};
    read.length = 4;
    target_.channel->send(send);
    target_.channel->read(read);
    simulation_.run_until_idle();
    ASSERT_EQ(order.size(), 2u);
    (order[0] == 1 ? send_first : read_first) = true;
    target_.channel->disconnect("next", true);
    simulation_.run_until_idle();
    initiator_.channel.reset();
    target_.channel.reset();
  }
  EXPECT_TRUE(read_first);
  EXPECT_TRUE(send_first);
}

TEST_F(LocalTransportTest, BadMemoryAccessEndsTheConnection) {
  char memory[8] = {};
  const auto all = std::as_writable_bytes(std::span(memory));
  const auto expect_refused = [&](auto choose, const char* why) {
    connect();
    const RemoteSegment segment = choose();
    EXPECT_EQ(write_to(segment), -ECONNRESET) << why;
    ASSERT_TRUE(initiator_.reason.has_value()) << why;
    EXPECT_EQ(initiator_.reason->kind, CloseReason::Kind::protocol_error);
    EXPECT_NE(initiator_.reason->text.find(why), std::string::npos) << initiator_.reason->text;
    ASSERT_TRUE(target_.reason.has_value()) << why;
    EXPECT_EQ(target_.reason->kind, CloseReason::Kind::peer_terminate);
    EXPECT_TRUE(violation_.empty()) << violation_;
    initiator_.channel.reset();
    target_.channel.reset();
    initiator_.reason.reset();
    target_.reason.reset();
  };
  expect_refused([&] { return RemoteSegment{.address = 0, .key = 12345, .length = 4}; },
                 "unknown key");
  expect_refused(
      [&] {
        auto segment = initiator_.channel->expose(all.first(3), Access::both);
        segment.length = 4;
        return segment;
      },
      "out of bounds");
  expect_refused(
      [&] {
        auto segment = initiator_.channel->expose(all, Access::both);
        segment.address -= 1;
        return segment;
      },
      "out of bounds");
  expect_refused([&] { return initiator_.channel->expose(all, Access::remote_read); },
                 "access not allowed");
  EXPECT_EQ(memory[0], 0);
}

TEST_F(LocalTransportTest, TouchingWithdrawnMemoryIsAViolation) {
  connect();
  char memory[8] = {};
  const auto segment =
      initiator_.channel->expose(std::as_writable_bytes(std::span(memory)), Access::both);
  EXPECT_EQ(write_to(segment), 0);
  initiator_.channel->withdraw(segment.key);
  EXPECT_EQ(write_to(segment), -ECONNRESET);
  EXPECT_NE(violation_.find("withdrawn key"), std::string::npos) << violation_;
}

TEST_F(LocalTransportTest, KeysAreNotUsedAgainSoon) {
  connect();
  char memory[8] = {};
  const auto all = std::as_writable_bytes(std::span(memory));
  std::vector<std::uint32_t> keys;
  for (int i = 0; i < 1000; ++i) {
    const auto segment = initiator_.channel->expose(all, Access::both);
    initiator_.channel->withdraw(segment.key);
    keys.push_back(segment.key);
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::unique(keys.begin(), keys.end()), keys.end());
}

TEST_F(LocalTransportTest, MoreIusThanReceivesEndTheConnection) {
  connect();
  initiator_.keep_ius = true;
  Send works[5];
  for (Send& work : works) {
    work.iu = bytes("iu");
    target_.channel->send(work);
  }
  simulation_.run_until_idle();
  EXPECT_EQ(works[3].result(), 0);
  EXPECT_EQ(works[4].result(), -ECONNRESET);
  EXPECT_EQ(initiator_.reason->kind, CloseReason::Kind::protocol_error);
}

TEST_F(LocalTransportTest, GracefulDisconnectDeliversWhatWasPosted) {
  connect({.max_delay = std::chrono::milliseconds(1)});
  Send work;
  work.iu = bytes("goodbye");
  target_.channel->send(work);
  target_.channel->disconnect("done", true);
  target_.channel->disconnect("again", true);
  simulation_.run_until_idle();
  EXPECT_EQ(initiator_.received, (std::vector<std::string>{"goodbye"}));
  EXPECT_EQ(initiator_.reason->kind, CloseReason::Kind::peer_closed);
  EXPECT_EQ(target_.reason->kind, CloseReason::Kind::local);
}

TEST_F(LocalTransportTest, EveryWorkCompletesOnceAtTheEnd) {
  connect({.min_delay = std::chrono::milliseconds(1), .max_delay = std::chrono::milliseconds(2)});
  char memory[4] = {};
  const auto segment =
      initiator_.channel->expose(std::as_writable_bytes(std::span(memory)), Access::both);
  std::vector<int> order;
  char data[4];
  const iovec local{data, 4};
  Read reads[5];
  Send sends[3];
  for (Read& read : reads) {
    read.order = &order;
    read.remote = {&segment, 1};
    read.local = {&local, 1};
    read.length = 4;
    target_.channel->read(read);
  }
  for (Send& send : sends) {
    send.order = &order;
    send.iu = bytes("iu");
    target_.channel->send(send);
  }
  initiator_.channel->disconnect("gone", false);
  simulation_.run_until_idle();
  EXPECT_EQ(order.size(), 8u);
  Send late;
  late.iu = bytes("late");
  target_.channel->send(late);
  EXPECT_FALSE(late.done());
  simulation_.run_until_idle();
  EXPECT_EQ(late.result(), -ECONNRESET);
  EXPECT_TRUE(target_.reason.has_value());
  for (const Read& read : reads) EXPECT_EQ(read.result(), -ECONNRESET);
}

TEST_F(LocalTransportTest, InjectedDropsEndBothSides) {
  connect({.drop_one_in = 1});
  Send work;
  work.iu = bytes("iu");
  target_.channel->send(work);
  simulation_.run_until_idle();
  ASSERT_TRUE(initiator_.reason && target_.reason);
  EXPECT_EQ(initiator_.reason->kind, CloseReason::Kind::peer_reset);
  EXPECT_EQ(target_.reason->kind, CloseReason::Kind::peer_reset);
}

TEST_F(LocalTransportTest, ACancelledAttemptLeavesNothingBehind) {
  connect();
  initiator_.channel->disconnect("first", false);
  simulation_.run_until_idle();
  initiator_.channel.reset();
  target_.channel.reset();
  target_.reason.reset();
  ConnectOptions options;
  options.peer = LocalTransport::address("disk");
  options.private_data = bytes("hello");
  options.parameters = parameters_;
  connector_ = transport_.connect(initiator_loop_, options, *this);
  connector_.reset();
  simulation_.run_until_idle();
  EXPECT_EQ(initiator_.channel, nullptr);
  EXPECT_EQ(target_.channel, nullptr);
}

}  // namespace
}  // namespace srpd::transport
