// The responder against peers that are wrong, slow, rude or many: each costs at most itself.
#include <fmt/format.h>
#include <sys/resource.h>

#include <list>

#include "transport/iwarp/crc32c.h"
#include "transport/iwarp/transport.h"
#include "unit/transport/channel_suite.h"
#include "unit/transport/iwarp/raw_peer.h"

// The check of virtual calls that clang compiles in asks the kernel through a pipe whether an
// object can be read: it fails where a test leaves it no descriptor.
#ifdef __clang__
#if __has_feature(undefined_behavior_sanitizer)
#define SRPD_CLANG_UBSAN
#endif
#endif

namespace srpd::transport::iwarp {
namespace {

using namespace std::chrono_literals;

// The request of ib_srp over siw, without its login.
constexpr const char* siw_rest = "1002000400040000";

class HostilePeer : public ::testing::Test, protected Listener::Handler {
 protected:
  void SetUp() override { listen({}); }

  void listen(const IwarpOptions& options) {
    listener_.reset();
    if (!loop_)
      loop_ = std::move(*runtime::make_loop({.backend = runtime::LoopOptions::Backend::epoll}));
    transport_ = make_transport(options);
    auto made = transport_->listen(*loop_, *Address::parse("127.0.0.1", 0), *this);
    ASSERT_TRUE(made) << made.error().text();
    listener_ = std::move(*made);
  }

  void TearDown() override {
    listener_.reset();
    if (!established_.channel) return;
    for (Iu* iu : target_.held) established_.channel->release(*iu);
    established_.channel->disconnect("end of test", false);
    EXPECT_TRUE(run_until([&] { return target_.closed; }));
  }

  void on_request(std::unique_ptr<ConnectRequest> request) override {
    ++requests_;
    if (!accepting_) return;
    accepting_ = false;
    request->accept(as_bytes("hi"), parameters_, *loop_, established_);
  }

  bool run_until(const std::function<bool()>& done) { return run_host_loop_until(*loop_, done); }
  bool run_until_closed(RawPeer& peer) {
    return run_until([&] { return peer.take(); });
  }
  void run_a_little() {
    int looks = 0;
    run_until([&] { return ++looks > 20; });
  }

  /// A peer whose request was accepted; its `received` is empty again.
  RawPeer connected(std::string_view rest = siw_rest) {
    RawPeer peer(listener_->address());
    accepting_ = true;
    peer.send_hex(std::string(request_key) + std::string(rest));
    EXPECT_TRUE(run_until([&] { return established_.channel && peer.has(22); }));
    reply_ = std::exchange(peer.received, {});
    target_.channel = established_.channel.get();
    established_.channel->start(target_);
    return peer;
  }

  /// The peer sends `fpdus` and is answered by a Terminate with this control word, and FIN.
  void expect_terminate(RawPeer& peer, std::string_view fpdus, std::string_view control) {
    peer.send_hex(fpdus);
    ASSERT_TRUE(run_until_closed(peer));
    EXPECT_EQ(peer.error, 0);
    ASSERT_GE(peer.received.size(), 2u * 28) << peer.received;
    EXPECT_EQ(peer.received.substr(4, 36), "414700000000000000020000000100000000");
    EXPECT_EQ(peer.received.substr(40, 8), control);
    peer.close();
    ASSERT_TRUE(run_until([&] { return target_.closed; }));
    EXPECT_EQ(target_.reason.kind, CloseReason::Kind::protocol_error);
    EXPECT_FALSE(target_.reason.text.empty());
  }

  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Listener> listener_;
  ChannelParameters parameters_;
  RecordingEstablished established_;
  RecordingHandler target_;
  std::string reply_;
  bool accepting_ = false;
  int requests_ = 0;
};

TEST_F(HostilePeer, NotMpa) {
  RawPeer peer(listener_->address());
  peer.send(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(run_until_closed(peer));
  EXPECT_EQ(peer.received, "");
  EXPECT_EQ(requests_, 0);
}

TEST_F(HostilePeer, HandshakeByteByByte) {
  RawPeer peer(listener_->address());
  accepting_ = true;
  const auto bytes = test::hex(std::string(request_key) + siw_rest);
  for (const std::byte& byte : bytes) {
    EXPECT_EQ(requests_, 0);
    peer.send({&byte, 1});
    run_a_little();
  }
  ASSERT_TRUE(run_until([&] { return established_.channel && peer.has(26); }));
  EXPECT_EQ(peer.received, std::string(reply_key) + "10020006" + "00000004" + "6869");
  target_.channel = established_.channel.get();
  established_.channel->start(target_);
}

TEST_F(HostilePeer, RefusedRequests) {
  for (const char* rest : {"10020201", "00030000", "10020003000000", "100200040004000000"}) {
    SCOPED_TRACE(rest);
    RawPeer peer(listener_->address());
    peer.send_hex(std::string(request_key) + rest);
    EXPECT_TRUE(run_until_closed(peer));
    EXPECT_EQ(peer.received, "");
  }
  EXPECT_EQ(requests_, 0);
}

TEST_F(HostilePeer, MarkersAreRejectedCleanly) {
  RawPeer peer(listener_->address());
  peer.send_hex(std::string(request_key) + "9002000400040000");
  EXPECT_TRUE(run_until_closed(peer));
  EXPECT_EQ(peer.error, 0);
  EXPECT_EQ(peer.received, std::string(reply_key) + "3002000400000004");
  EXPECT_EQ(requests_, 0);
}

TEST_F(HostilePeer, SilentPeerIsDroppedInTime) {
  IwarpOptions options;
  options.request_timeout = 30ms;
  listen(options);
  RawPeer silent(listener_->address());
  RawPeer slow(listener_->address());
  slow.send_hex("4d5041");
  EXPECT_TRUE(run_until([&] { return silent.take() && slow.take(); }));
}

TEST_F(HostilePeer, FloodOfHalfOpenConnectionsCostsOnlyItself) {
  IwarpOptions options;
  options.max_unauthenticated = 8;
  listen(options);
  std::list<RawPeer> flood;
  for (int i = 0; i < 300; ++i) {
    flood.emplace_back(listener_->address());
    if (i % 50 == 0) run_a_little();
  }
  auto peer = connected();
  EXPECT_EQ(requests_, 1);
  std::size_t closed = 0;
  run_until([&] {
    closed = 0;
    for (RawPeer& one : flood) closed += one.take() ? 1 : 0;
    return closed >= 292;
  });
  EXPECT_GE(closed, 292u);
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  EXPECT_TRUE(run_until([&] { return !target_.ius.empty(); }));
}

#ifndef SRPD_CLANG_UBSAN
TEST_F(HostilePeer, RunsOutOfDescriptorsAndRecovers) {
  run_a_little();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  RawPeer peer(listener_->address());
  const int next = ::dup(peer.fd());
  ::close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  peer.send_hex(std::string(request_key) + siw_rest);
  run_a_little();
  EXPECT_EQ(requests_, 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(run_until([&] { return requests_ == 1; }));
}
#endif

TEST_F(HostilePeer, PortInUseNamesTheRemedy) {
  RecordingListener other;
  const auto made = transport_->listen(*loop_, listener_->address(), other);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().text(),
            "listen " + listener_->address().text() +
                ": address already in use; stop the other daemon or choose another port with "
                "--listen");
}

TEST_F(HostilePeer, OneListenerForBothFamilies) {
  listener_.reset();
  auto made = transport_->listen(*loop_, *Address::parse("[::]", 0), *this);
  if (!made) GTEST_SKIP() << made.error().text();
  listener_ = std::move(*made);
  const std::string port = listener_->address().text().substr(5);
  RawPeer v4(*Address::parse("127.0.0.1:" + port, 0));
  RawPeer v6(*Address::parse("[::1]:" + port, 0));
  v4.send_hex(std::string(request_key) + siw_rest);
  v6.send_hex(std::string(request_key) + siw_rest);
  EXPECT_TRUE(run_until([&] { return requests_ == 2; }));
}

TEST_F(HostilePeer, NothingFollowsTheReplyUntilTheInitiatorSpoke) {
  auto peer = connected();
  CountedSend work;
  work.iu = as_bytes("answer!!");
  established_.channel->send(work);
  run_a_little();
  EXPECT_FALSE(peer.has(1));
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return peer.has(32) && work.completions == 1; }));
  EXPECT_EQ(peer.received,
            "001a4143000000000000000000000001000000006"
            "16e7377657221210000"
            "0000");
}

TEST_F(HostilePeer, HardwareWithWriteRtr) {
  auto peer = connected("500200048004c001");
  EXPECT_EQ(reply_, std::string(reply_key) + "50020006" + "80008004" + "6869");
  peer.send_hex("000ec140000000010000000000000000ebd34c5f");
  CountedSend work;
  work.iu = as_bytes("x");
  established_.channel->send(work);
  EXPECT_TRUE(run_until([&] { return peer.has(28); }));
  EXPECT_NE(established_.channel->description().find("CRC"), std::string::npos);
}

TEST_F(HostilePeer, HardwareWithReadRtr) {
  auto peer = connected("5002000480044001");
  EXPECT_EQ(reply_, std::string(reply_key) + "50020006" + "80014004" + "6869");
  auto request = test::hex(
      "002e4141"
      "00000000"
      "00000001"
      "00000001"
      "00000000"
      "00000000"
      "00000000"
      "00000000"
      "00000000"
      "00000001"
      "00000000"
      "00000000");
  Crc32c sum;
  sum.add(request.data(), request.size());
  const std::uint32_t crc = sum.value();
  peer.send(request);
  peer.send(std::as_bytes(std::span(&crc, 1)));
  ASSERT_TRUE(run_until([&] { return peer.has(20); }));
  EXPECT_EQ(peer.received, "000ec1420000000000000000000000006975d6ca");
}

TEST_F(HostilePeer, StreamByteByByte) {
  auto peer = connected();
  const auto bytes = test::hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000"
      "000ec140000000010000000000000000"
      "00000000"
      "0013414300000000000000000000000200000000"
      "42000000"
      "00000000");
  for (const std::byte& byte : bytes) {
    peer.send({&byte, 1});
    int looks = 0;
    run_until([&] { return ++looks > 3; });
  }
  ASSERT_TRUE(run_until([&] { return target_.ius.size() == 2; }));
  EXPECT_EQ(target_.ius[0] + target_.ius[1], "AB");
}

TEST_F(HostilePeer, WriteToAnUnknownStag) {
  auto peer = connected();
  expect_terminate(peer,
                   "0012c140"
                   "12345678"
                   "0000000000000000"
                   "01020304"
                   "00000000",
                   "1100c000");
  // The offending length and header are repeated.
  EXPECT_EQ(peer.received.substr(48, 4 + 28),
            "0012"
            "c140"
            "12345678"
            "0000000000000000");
}

TEST_F(HostilePeer, ReadOfAnUnknownStag) {
  parameters_.inbound_reads = 4;
  auto peer = connected();
  expect_terminate(peer,
                   "002e4141"
                   "00000000"
                   "00000001"
                   "00000001"
                   "00000000"
                   "0e7cac01"
                   "0000000000000000"
                   "00001000"
                   "23414b26"
                   "0000000000000000"
                   "00000000",
                   "0100e000");
}

TEST_F(HostilePeer, ReadWhereNoneWasAgreedOn) {
  auto peer = connected();
  expect_terminate(peer,
                   "002e4141"
                   "00000000"
                   "00000001"
                   "00000001"
                   "00000000"
                   "0e7cac01"
                   "0000000000000000"
                   "00000000"
                   "23414b26"
                   "0000000000000000"
                   "00000000",
                   "1202e000");
}

TEST_F(HostilePeer, WrongSequenceNumber) {
  auto peer = connected();
  expect_terminate(peer,
                   "0013414300000000000000000000000200000000"
                   "41000000"
                   "00000000",
                   "1203c000");
}

TEST_F(HostilePeer, SendLongerThanTheBuffer) {
  parameters_.max_receive_iu = 100;
  auto peer = connected();
  expect_terminate(peer, "0077414300000000000000000000000100000000" + std::string(202, '0'),
                   "1205c000");
}

TEST_F(HostilePeer, WrongCrc) {
  auto peer = connected("5002000400040000");
  expect_terminate(peer, "000ec140000000010000000000000000ebd34c5e", "20020000");
}

TEST_F(HostilePeer, MoreSendsThanCredits) {
  parameters_.receive_count = 2;
  target_.hold = true;
  auto peer = connected();
  expect_terminate(peer,
                   "0013414300000000000000000000000100000000"
                   "41000000"
                   "00000000"
                   "0013414300000000000000000000000200000000"
                   "42000000"
                   "00000000"
                   "0013414300000000000000000000000300000000"
                   "43000000"
                   "00000000",
                   "1202c000");
  EXPECT_EQ(target_.ius.size(), 2u);
}

TEST_F(HostilePeer, ReportsTheTerminateOfThePeer) {
  auto peer = connected();
  peer.send_hex(
      "0016414700000000000000020000000100000000"
      "11000300"
      "00000000");
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  EXPECT_EQ(target_.reason.kind, CloseReason::Kind::peer_terminate);
  EXPECT_EQ(target_.reason.text, "Terminate: DDP, error type 1, code 0");
}

TEST_F(HostilePeer, DiesInsideAnFpdu) {
  auto peer = connected();
  peer.send_hex("00134143000000000000");
  run_a_little();
  peer.close();
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  EXPECT_EQ(target_.reason.kind, CloseReason::Kind::peer_closed);
}

TEST_F(HostilePeer, Resets) {
  auto peer = connected();
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000");
  run_a_little();
  peer.reset();
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  EXPECT_EQ(target_.reason.kind, CloseReason::Kind::peer_reset);
}

TEST_F(HostilePeer, FinIsAnsweredByFin) {
  auto peer = connected();
  ::shutdown(peer.fd(), SHUT_WR);
  ASSERT_TRUE(run_until_closed(peer));
  EXPECT_EQ(peer.error, 0);
  EXPECT_TRUE(target_.closed);
}

TEST_F(HostilePeer, DoesNotReadItsAnswers) {
  IwarpOptions options;
  options.close_timeout = 50ms;
  listen(options);
  auto peer = connected();
  std::vector<std::byte> data(8u << 20);
  const RemoteSegment remote{0, 1, 8u << 20};
  const iovec local{data.data(), data.size()};
  std::list<CountedSend> works;
  for (int i = 0; i < 4; ++i) {
    CountedSend& work = works.emplace_back();
    work.remote = {&remote, 1};
    work.local = {&local, 1};
    work.length = 8u << 20;
    work.iu = as_bytes("done");
    established_.channel->send(work);
  }
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return !target_.ius.empty(); }));
  // Receiving goes on while sending is stuck.
  peer.send_hex(
      "0013414300000000000000000000000200000000"
      "42000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return target_.ius.size() == 2; }));
  EXPECT_EQ(works.back().completions, 0);
  established_.channel->disconnect("not read", true);
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  for (CountedSend& work : works) EXPECT_EQ(work.completions, 1);
  EXPECT_EQ(works.back().result(), -ECONNRESET);
}

// Each completion posts the next work, reads and sends in turns.
struct Chain {
  struct Read : ReadWork {
    explicit Read(Chain& of)
        : ReadWork([](runtime::Completion& self) { static_cast<Read&>(self).chain.go_on(); }),
          chain(of) {}
    Chain& chain;
  };
  struct Send : SendWork {
    explicit Send(Chain& of)
        : SendWork([](runtime::Completion& self) { static_cast<Send&>(self).chain.go_on(); }),
          chain(of) {}
    Chain& chain;
  };

  explicit Chain(Channel& to) : channel(to) {}
  void go_on() {
    if (left == 0 || --left == 0) return;
    if (left % 2 == 0) {
      Send& work = sends.emplace_back(*this);
      work.iu = as_bytes("answer");
      channel.send(work);
    } else {
      Read& work = reads.emplace_back(*this);
      work.remote = {&remote, 1};
      work.local = {&local, 1};
      work.length = 16;
      channel.read(work);
    }
  }

  Channel& channel;
  int left = 20;
  std::array<std::byte, 16> data{};
  const RemoteSegment remote{0, 1, 16};
  const iovec local{data.data(), data.size()};
  std::list<Read> reads;
  std::list<Send> sends;
};

TEST_F(HostilePeer, WhatIsPostedWhileItEndsCompletesBeforeTheEnd) {
  auto peer = connected();
  Chain chain(*established_.channel);
  chain.go_on();
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return peer.has(52); }));
  EXPECT_EQ(chain.left, 19);
  peer.reset();
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  EXPECT_EQ(chain.left, 0);
}

TEST_F(HostilePeer, DoesNotAnswerReads) {
  IwarpOptions options;
  options.read_timeout = 50ms;
  listen(options);
  auto peer = connected();
  std::array<std::byte, 16> data;
  const RemoteSegment remote{0, 1, 16};
  const iovec local{data.data(), data.size()};
  CountedRead work;
  work.remote = {&remote, 1};
  work.local = {&local, 1};
  work.length = 16;
  established_.channel->read(work);
  // It goes on talking, which does not help.
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return target_.closed; }));
  EXPECT_EQ(work.result(), -ECONNRESET);
  EXPECT_EQ(target_.reason.kind, CloseReason::Kind::peer_reset);
  EXPECT_NE(target_.reason.text.find("does not answer RDMA Reads"), std::string::npos);
}

// A response may take any time as long as something arrives now and then.
TEST_F(HostilePeer, AnswersReadsSlowly) {
  IwarpOptions options;
  options.read_timeout = 100ms;
  listen(options);
  auto peer = connected();
  std::array<std::byte, 16> data{};
  const RemoteSegment remote{0, 1, 16};
  const iovec local{data.data(), data.size()};
  CountedRead work;
  work.remote = {&remote, 1};
  work.local = {&local, 1};
  work.length = 16;
  established_.channel->read(work);
  peer.send_hex(
      "0013414300000000000000000000000100000000"
      "41000000"
      "00000000");
  ASSERT_TRUE(run_until([&] { return peer.has(52); }));
  for (int i = 0; i < 8; ++i) {
    const auto later = loop_->now() + 50ms;
    ASSERT_TRUE(run_until([&] { return loop_->now() >= later; }));
    ASSERT_FALSE(target_.closed) << target_.reason.text;
    peer.send_hex(
        fmt::format("0010{}4200000001{:016x}abab000000000000", i == 7 ? "c1" : "81", i * 2));
  }
  ASSERT_TRUE(run_until([&] { return work.completions == 1; }));
  EXPECT_EQ(work.result(), 0);
  EXPECT_EQ(data.back(), std::byte{0xab});
}

// The initiator against strange responders.

class StrangeServer : public ::testing::Test {
 protected:
  void connect(const IwarpOptions& options = {}, std::chrono::milliseconds timeout = 5s) {
    transport_ = make_transport(options);
    ConnectOptions connect;
    connect.peer = server_.address;
    connect.private_data = as_bytes("login");
    connect.parameters.inbound_reads = 4;
    connect.timeout = timeout;
    connector_ = transport_->connect(*loop_, connect, result_);
  }
  /// The connection, with its whole request received.
  RawPeer accept() {
    int fd = -1;
    EXPECT_TRUE(run_until([&] { return fd >= 0 || (fd = server_.accept()) >= 0; }));
    RawPeer peer(fd);
    EXPECT_TRUE(run_until([&] { return peer.has(25); }));
    return peer;
  }
  bool run_until(const std::function<bool()>& done) { return run_host_loop_until(*loop_, done); }
  std::string failure() {
    EXPECT_TRUE(run_until([&] { return result_.finished; }));
    return result_.error;
  }

  std::unique_ptr<runtime::Loop> loop_ =
      std::move(*runtime::make_loop({.backend = runtime::LoopOptions::Backend::epoll}));
  std::unique_ptr<Transport> transport_;
  RawServer server_;
  RecordingConnector result_;
  std::unique_ptr<Connector> connector_;
};

TEST_F(StrangeServer, FallsBackToRevision1OnReset) {
  connect();
  auto first = accept();
  EXPECT_EQ(first.received.substr(32, 4), "1002");
  first.reset();
  auto second = accept();
  EXPECT_EQ(second.received, std::string(request_key) + "00010005" + "6c6f67696e");
  second.send_hex(std::string(reply_key) + "00010002" + "6f6b");
  EXPECT_EQ(failure(), "");
  ASSERT_TRUE(result_.channel);
  EXPECT_EQ(result_.private_data, "ok");
}

TEST_F(StrangeServer, TakesTheReplyInPiecesAndAnEarlyFpdu) {
  connect();
  auto peer = accept();
  const auto bytes = test::hex(std::string(reply_key) + "10020006" + "00040004" + "6f6b" +
                               "000ec140000000010000000000000000" + "00000000");
  for (const std::byte& byte : bytes) {
    peer.send({&byte, 1});
    int looks = 0;
    run_until([&] { return ++looks > 2; });
  }
  EXPECT_EQ(failure(), "");
  ASSERT_TRUE(result_.channel);
}

TEST_F(StrangeServer, SaysWhatIsWrong) {
  struct Case {
    std::string reply;
    const char* expected;
  };
  const Case cases[] = {
      {test::to_hex(as_bytes("SSH-2.0-OpenSSH\r\n")), "not an MPA frame"},
      {std::string(reply_key) + "9002000400040004", "markers"},
      {std::string(reply_key) + "00020000", "read depths"},
      {std::string(reply_key) + "00070000", "revision"},
  };
  for (const Case& c : cases) {
    result_ = {};
    connect();
    auto peer = accept();
    peer.send_hex(c.reply);
    EXPECT_NE(failure().find(c.expected), std::string::npos) << result_.error;
    EXPECT_NE(result_.error.find(server_.address.text()), std::string::npos);
  }
}

TEST_F(StrangeServer, SilenceEndsInATimeout) {
  connect({}, 50ms);
  auto peer = accept();
  EXPECT_NE(failure().find("no MPA Reply in time"), std::string::npos);
}

TEST_F(StrangeServer, TerminatesWithoutACommonRtr) {
  IwarpOptions options;
  options.offer_rtr_write = options.offer_rtr_read = true;
  connect(options);
  auto peer = accept();
  EXPECT_EQ(peer.received.substr(40, 8), "8004c010");
  peer.received.clear();
  peer.send_hex(std::string(reply_key) + "1002000480040004");
  EXPECT_NE(failure().find("RTR"), std::string::npos);
  ASSERT_TRUE(run_until([&] { return peer.take(); }));
  EXPECT_EQ(peer.received, "00164147000000000000000200000001000000002007000000000000");
}

}  // namespace
}  // namespace srpd::transport::iwarp
