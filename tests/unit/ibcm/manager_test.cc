// Every state of a connection, with every message lost, repeated, or from a peer that is gone: on a
// port that is only pretended, with a clock that the test sets.
#include "ibcm/manager.h"

#include <gtest/gtest.h>

#include <vector>

#include "unit/ibcm/example.h"

namespace srpd::ibcm {
namespace {

using namespace std::chrono_literals;
using test::kind_of;
using test::message_in;

class ManagerTest : public ::testing::Test, protected Manager::Port {
 protected:
  ManagerTest() { manager_.listen(test::service); }

  void send(const Mad& mad, const ReturnAddress& to) override {
    sent_.push_back(mad);
    EXPECT_EQ(to, from_);
  }
  void on_request(Handle handle, const Request&) override {
    handle_ = handle;
    ++requests_;
  }
  void on_established(Handle handle) override {
    EXPECT_EQ(handle, handle_);
    ++established_;
  }
  void on_end(Handle handle, End end) override {
    EXPECT_EQ(handle, handle_);
    ends_.push_back(end);
  }

  void receive(const Mad& mad) { manager_.receive(mad, from_, now_); }
  void accept() { manager_.accept(handle_, {.queue_pair = 0x22, .starting_psn = 1}, now_); }
  void request() { receive(test::request()); }
  void ready() { receive(test::message(Message::rtu, test::host_id, handle_)); }
  void replied() {
    request();
    accept();
  }
  void established() {
    replied();
    ready();
    sent_.clear();
  }
  /// Lets time pass until nothing is due any more, or `limit`.
  void pass(Time limit) {
    const Time until = now_ + limit;
    while (manager_.deadline() && *manager_.deadline() <= until) {
      now_ = std::max(now_, *manager_.deadline());
      manager_.expire(now_);
    }
    now_ = until;
  }
  std::vector<Message> take_sent() {
    std::vector<Message> kinds;
    for (const Mad& mad : sent_) kinds.push_back(kind_of(mad));
    sent_.clear();
    return kinds;
  }
  Reason reason() const {
    return static_cast<Reason>(message_in<wire::cm::Reject>(sent_.back()).reason.value());
  }
  /// Nothing is left, and nothing is due.
  void expect_nothing_left() {
    pass(120s);
    EXPECT_EQ(manager_.connections(), 0u);
    EXPECT_FALSE(manager_.deadline());
  }

  using Kinds = std::vector<Message>;
  using Ends = std::vector<End>;
  Manager manager_{*this, {.ca_guid = 7, .first_id = 0x5000}};
  const ReturnAddress from_{std::byte{1}, std::byte{2}};
  Time now_ = 1h;
  std::vector<Mad> sent_;
  Handle handle_ = 0;
  unsigned requests_ = 0;
  unsigned established_ = 0;
  Ends ends_;
};

TEST_F(ManagerTest, ConnectsAndIsDisconnectedByThePeer) {
  replied();
  ASSERT_EQ(sent_.size(), 1u);
  const auto& rep = message_in<wire::cm::ConnectReply>(sent_[0]);
  EXPECT_EQ(rep.communication_id, handle_);
  EXPECT_EQ(rep.remote_communication_id, test::host_id);
  EXPECT_EQ(rep.queue_pair, 0x22u);
  EXPECT_EQ(rep.ca_guid, 7u);
  EXPECT_EQ(transaction_of(sent_[0]), test::host_transaction);
  ready();
  EXPECT_EQ(established_, 1u);
  EXPECT_FALSE(manager_.deadline());
  take_sent();
  receive(test::message(Message::dreq, test::host_id, handle_));
  EXPECT_EQ(take_sent(), Kinds{Message::drep});
  EXPECT_EQ(ends_, Ends{End::disconnected});
  expect_nothing_left();
  EXPECT_EQ(ends_.size(), 1u);
}

TEST_F(ManagerTest, ReplyIsRepeatedUntilItIsAnswered) {
  replied();
  pass(3s);
  const auto repeated = take_sent();
  EXPECT_GE(repeated.size(), 4u);
  for (const Message kind : repeated) EXPECT_EQ(kind, Message::rep);
  ready();
  pass(60s);
  EXPECT_EQ(take_sent(), Kinds{});
  EXPECT_EQ(established_, 1u);
  EXPECT_EQ(ends_, Ends{});
}

TEST_F(ManagerTest, PeerThatVanishesAfterItsRequestIsGivenUp) {
  replied();
  pass(60s);
  ASSERT_FALSE(sent_.empty());
  EXPECT_EQ(kind_of(sent_.back()), Message::rej);
  EXPECT_EQ(reason(), Reason::timeout);
  EXPECT_EQ(message_in<wire::cm::Reject>(sent_.back()).about, 1 << 6);
  EXPECT_EQ(take_sent().size(), 1u + 15u + 1u);
  EXPECT_EQ(ends_, Ends{End::unreachable});
  expect_nothing_left();
}

TEST_F(ManagerTest, RepeatedRequestGetsTheReplyAgain) {
  request();
  request();
  EXPECT_EQ(requests_, 1u);
  EXPECT_EQ(take_sent(), Kinds{});
  accept();
  const Mad first = sent_.at(0);
  request();
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[1], first);
  ready();
  request();
  ASSERT_EQ(sent_.size(), 3u);
  EXPECT_EQ(sent_[2], first);
  EXPECT_EQ(requests_, 1u);
  EXPECT_EQ(established_, 1u);
}

TEST_F(ManagerTest, RepeatedReadyDoesNothing) {
  established();
  ready();
  EXPECT_EQ(established_, 1u);
  EXPECT_EQ(take_sent(), Kinds{});
}

TEST_F(ManagerTest, DataMakeUpForALostReady) {
  replied();
  take_sent();
  manager_.data_arrived(handle_);
  EXPECT_EQ(established_, 1u);
  ready();
  EXPECT_EQ(established_, 1u);
  pass(60s);
  EXPECT_EQ(take_sent(), Kinds{});
}

TEST_F(ManagerTest, WhoDecidesSlowlyKeepsThePeerWaiting) {
  request();
  pass(20s);
  const auto sent = take_sent();
  EXPECT_GE(sent.size(), 2u);
  for (const Message kind : sent) EXPECT_EQ(kind, Message::mra);
  accept();
  EXPECT_EQ(take_sent(), Kinds{Message::rep});
  ready();
  EXPECT_EQ(established_, 1u);
}

TEST_F(ManagerTest, WhoNeverDecidesLosesTheRequest) {
  request();
  pass(120s);
  EXPECT_EQ(ends_, Ends{End::unreachable});
  EXPECT_EQ(reason(), Reason::timeout);
  sent_.clear();
  accept();
  manager_.reject(handle_, Reason::consumer_defined, {});
  EXPECT_EQ(take_sent(), Kinds{});
  expect_nothing_left();
}

TEST_F(ManagerTest, RejectionOfOursCarriesItsData) {
  request();
  const std::byte data[] = {std::byte{0xc2}};
  manager_.reject(handle_, Reason::consumer_defined, data);
  EXPECT_EQ(reason(), Reason::consumer_defined);
  EXPECT_EQ(message_in<wire::cm::Reject>(sent_.back()).private_data[0], std::byte{0xc2});
  EXPECT_EQ(message_in<wire::cm::Reject>(sent_.back()).remote_communication_id, test::host_id);
  EXPECT_EQ(ends_, Ends{});
  EXPECT_EQ(manager_.connections(), 0u);
  // The REJ was lost: the request is a new one.
  request();
  EXPECT_EQ(requests_, 2u);
}

TEST_F(ManagerTest, RequestsThatCannotBeServedAreRefused) {
  using Req = wire::cm::ConnectRequest;
  const auto refused = [&](auto change) {
    Mad mad = test::request();
    change(message_in<Req>(mad));
    receive(mad);
    return reason();
  };
  EXPECT_EQ(refused([](Req& req) { req.service_id = 1; }), Reason::invalid_service_id);
  EXPECT_EQ(refused([](Req& req) { req.response_timeout = 1 << 1; }),
            Reason::invalid_transport_service);
  EXPECT_EQ(refused([](Req& req) { req.mtu = 0; }), Reason::invalid_path_mtu);
  EXPECT_EQ(refused([](Req& req) { req.mtu = 6 << 4; }), Reason::invalid_path_mtu);
  manager_.unlisten(test::service);
  EXPECT_EQ(refused([](Req&) {}), Reason::invalid_service_id);
  EXPECT_EQ(requests_, 0u);
  EXPECT_EQ(manager_.connections(), 0u);
}

TEST_F(ManagerTest, TooManyConnectionsAreRefused) {
  Manager small(*this, {.most_connections = 2});
  small.listen(test::service);
  for (std::uint32_t i = 0; i < 3; ++i) small.receive(test::request(100 + i, 200 + i), from_, now_);
  EXPECT_EQ(requests_, 2u);
  EXPECT_EQ(reason(), Reason::no_resources);
}

TEST_F(ManagerTest, PeerThatNeedsTimeGetsItButNotForEver) {
  replied();
  take_sent();
  Mad wait = test::message(Message::mra, test::host_id, handle_);
  message_in<wire::cm::Acknowledge>(wait).about = 1 << 6;
  message_in<wire::cm::Acknowledge>(wait).service_timeout = 21 << 3;
  receive(wait);
  pass(8s);
  EXPECT_EQ(take_sent(), Kinds{});
  for (int i = 0; i < 100 && ends_.empty(); ++i) {
    receive(wait);
    pass(1s);
  }
  EXPECT_EQ(ends_, Ends{End::unreachable});
}

TEST_F(ManagerTest, AnMraForAnotherMessageDoesNothing) {
  replied();
  take_sent();
  Mad wait = test::message(Message::mra, test::host_id, handle_);
  message_in<wire::cm::Acknowledge>(wait).service_timeout = 21 << 3;
  receive(wait);
  pass(2s);
  EXPECT_FALSE(take_sent().empty());
}

TEST_F(ManagerTest, PeerRejectsTheReply) {
  replied();
  take_sent();
  receive(test::message(Message::rej, test::host_id, handle_));
  EXPECT_EQ(ends_, Ends{End::rejected});
  expect_nothing_left();
  EXPECT_EQ(take_sent(), Kinds{});
}

TEST_F(ManagerTest, PeerGivesUpBeforeTheReply) {
  request();
  receive(test::message(Message::rej, test::host_id, 0));
  EXPECT_EQ(ends_, Ends{End::rejected});
  accept();
  EXPECT_EQ(take_sent(), Kinds{});
  EXPECT_EQ(manager_.connections(), 0u);
}

TEST_F(ManagerTest, WeDisconnect) {
  established();
  manager_.disconnect(handle_, now_);
  ASSERT_EQ(sent_.size(), 1u);
  const auto& dreq = message_in<wire::cm::DisconnectRequest>(sent_[0]);
  EXPECT_EQ(kind_of(sent_[0]), Message::dreq);
  EXPECT_EQ(dreq.communication_id, handle_);
  EXPECT_EQ(dreq.remote_communication_id, test::host_id);
  EXPECT_EQ(dreq.queue_pair, test::host_queue_pair);
  take_sent();
  receive(test::message(Message::drep, test::host_id, handle_));
  pass(60s);
  EXPECT_EQ(take_sent(), Kinds{});
  EXPECT_EQ(ends_, Ends{});
  expect_nothing_left();
}

TEST_F(ManagerTest, PeerThatVanishedIsNotToldForEver) {
  established();
  manager_.disconnect(handle_, now_);
  pass(60s);
  EXPECT_EQ(take_sent(), (Kinds{5, Message::dreq}));
  expect_nothing_left();
}

TEST_F(ManagerTest, BothDisconnectAtOnce) {
  established();
  manager_.disconnect(handle_, now_);
  take_sent();
  receive(test::message(Message::dreq, test::host_id, handle_));
  EXPECT_EQ(take_sent(), Kinds{Message::drep});
  pass(60s);
  EXPECT_EQ(take_sent(), Kinds{});
  EXPECT_EQ(ends_, Ends{});
}

TEST_F(ManagerTest, RepeatedDisconnectIsAnsweredAgainAndWhenUnknown) {
  established();
  const Mad dreq = test::message(Message::dreq, test::host_id, handle_);
  receive(dreq);
  receive(dreq);
  EXPECT_EQ(take_sent(), (Kinds{2, Message::drep}));
  expect_nothing_left();
  receive(dreq);
  EXPECT_EQ(take_sent(), Kinds{Message::drep});
  EXPECT_EQ(ends_, Ends{End::disconnected});
}

TEST_F(ManagerTest, DisconnectBeforeReadyEnds) {
  replied();
  receive(test::message(Message::dreq, test::host_id, handle_));
  EXPECT_EQ(ends_, Ends{End::disconnected});
  ready();
  EXPECT_EQ(established_, 0u);
  expect_nothing_left();
}

TEST_F(ManagerTest, LateRequestOfAnOldConnectionIsStale) {
  established();
  receive(test::message(Message::dreq, test::host_id, handle_));
  take_sent();
  request();
  EXPECT_EQ(reason(), Reason::stale_connection);
  EXPECT_EQ(requests_, 1u);
  // What the queue pair is used for next is new.
  receive(test::request(test::host_id + 1));
  EXPECT_EQ(requests_, 2u);
}

TEST_F(ManagerTest, QueuePairInUseEndsTheConnectionThatThePeerForgot) {
  established();
  receive(test::request(test::host_id + 1));
  EXPECT_EQ(requests_, 1u);
  EXPECT_EQ(ends_, Ends{End::stale});
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(kind_of(sent_[0]), Message::rej);
  EXPECT_EQ(message_in<wire::cm::Reject>(sent_[0]).reason, 10);
  EXPECT_EQ(kind_of(sent_[1]), Message::dreq);
  pass(60s);
  receive(test::request(test::host_id + 1));
  EXPECT_EQ(requests_, 2u);
}

TEST_F(ManagerTest, CommunicationIdInUseWithAnotherQueuePairIsStale) {
  established();
  receive(test::request(test::host_id, 0x99));
  EXPECT_EQ(requests_, 1u);
  EXPECT_EQ(ends_, Ends{End::stale});
}

TEST_F(ManagerTest, MessagesOfOthersDoNothing) {
  established();
  for (const Message kind : {Message::rtu, Message::rej, Message::mra, Message::drep}) {
    receive(test::message(kind, test::host_id, handle_ + 1));
    receive(test::message(kind, test::host_id + 1, handle_));
  }
  EXPECT_EQ(take_sent(), Kinds{});
  EXPECT_EQ(ends_, Ends{});
  EXPECT_EQ(established_, 1u);
}

TEST_F(ManagerTest, PortThatGoesEndsEverything) {
  established();
  manager_.lose();
  EXPECT_EQ(ends_, Ends{End::lost});
  EXPECT_EQ(manager_.connections(), 0u);
  EXPECT_FALSE(manager_.deadline());
  EXPECT_EQ(take_sent(), Kinds{});
}

TEST_F(ManagerTest, CommunicationIdsAreNotUsedTwiceNorZero) {
  Manager wrapping(*this, {.first_id = UINT32_MAX});
  wrapping.listen(test::service);
  wrapping.receive(test::request(1, 1), from_, now_);
  EXPECT_EQ(handle_, UINT32_MAX);
  wrapping.receive(test::request(2, 2), from_, now_);
  EXPECT_EQ(handle_, 1u);
}

}  // namespace
}  // namespace srpd::ibcm
