#include "initiator/session.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "unit/initiator/fake_target.h"

namespace srpd::initiator {
namespace {

using namespace std::chrono_literals;

struct TestRequest : Request {
  TestRequest() {
    done = [](Request& self) { ++static_cast<TestRequest&>(self).completions; };
    cdb_length = 16;
  }
  bool completed() const { return completions > 0; }
  int completions = 0;
};

struct TestTask : TaskRequest {
  TestTask() {
    done = [](TaskRequest& self) { ++static_cast<TestTask&>(self).completions; };
  }
  int completions = 0;
};

class SessionTest : public testing::Test, protected Session::Observer {
 protected:
  SessionTest() {
    options_.address = transport::LocalTransport::address("fake");
    options_.initiator[15] = std::byte{1};
    transport_.plan().on_violation = [](const std::string& text) { ADD_FAILURE() << text; };
  }
  ~SessionTest() override {
    close();
    session_.reset();
    for (auto& peer : target_.peers) {
      EXPECT_TRUE(peer.closed);
      peer.channel.reset();
    }
    simulation_.run_until_idle();
  }

  void on_up() override { ++ups_; }
  void on_down(const std::string& why) override { down_ = why; }
  void on_over(const Error* error) override {
    over_ = true;
    if (error != nullptr) error_ = error->text();
  }

  void open() {
    Session::Observer& observer = *this;
    session_ = std::make_unique<Session>(loop_, transport_, options_, observer);
    session_->open();
    settle();
  }
  /// What has not completed does now: to be called while the test's requests are still there.
  void close() {
    if (session_ == nullptr || over_) return;
    session_->close();
    settle();
  }
  // Not until idle: deadlines would pass.
  void settle() { simulation_.run_until(simulation_.now() + 1ms); }
  void pass(runtime::Time time) { simulation_.run_until(simulation_.now() + time); }
  FakeTarget::Peer& peer() { return target_.newest(); }

  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
  runtime::SimulatedLoop target_loop_{simulation_};
  transport::LocalTransport transport_;
  FakeTarget target_{target_loop_, transport_};
  SessionOptions options_;
  std::unique_ptr<Session> session_;
  int ups_ = 0;
  bool over_ = false;
  std::string down_, error_;
};

TEST_F(SessionTest, LogsInWithWhatItWasTold) {
  options_.target[0] = std::byte{7};
  open();
  EXPECT_EQ(ups_, 1);
  EXPECT_EQ(peer().login.initiator, options_.initiator);
  EXPECT_EQ(peer().login.target, options_.target);
  EXPECT_EQ(peer().login.max_iu, 68u + 8192);
  EXPECT_EQ(peer().login.flags, wire::srp::immediate_requested);
}

TEST_F(SessionTest, SmallWritesTravelWithTheCommand) {
  open();
  TestRequest request;
  const std::string_view data = "immediate";
  request.data_out = std::as_bytes(std::span(data));
  ASSERT_TRUE(session_->submit(request));
  settle();
  const auto command = peer().take_command();
  EXPECT_EQ(command.data_out.format, srp::Format::immediate);
  ASSERT_EQ(command.data_out.immediate.size(), data.size());
  EXPECT_EQ(std::memcmp(command.data_out.immediate.data(), data.data(), data.size()), 0);
  EXPECT_FALSE(request.completed());
  peer().good(command.tag);
  settle();
  EXPECT_TRUE(request.completed() && request.good());
}

TEST_F(SessionTest, LargeWritesAndRefusedImmediateDataAreFetched) {
  target_.immediate = false;
  open();
  TestRequest request;
  std::string data = "fetched";
  request.data_out = std::as_bytes(std::span(data));
  session_->submit(request);
  settle();
  const auto command = peer().take_command();
  ASSERT_EQ(command.data_out.format, srp::Format::direct);
  const auto& descriptor = command.data_out.descriptors[0];
  const transport::RemoteSegment segment{descriptor.address, descriptor.key, descriptor.length};
  char fetched[8] = "";
  const iovec local{fetched, 7};
  FakeTarget::Peer::ReadResult read;
  read.remote = {&segment, 1};
  read.local = {&local, 1};
  read.length = 7;
  peer().channel->read(read);
  settle();
  EXPECT_STREQ(fetched, "fetched");
  peer().good(command.tag);
  settle();
  EXPECT_TRUE(request.good());
}

TEST_F(SessionTest, ReadsReportWhatArrived) {
  open();
  TestRequest request;
  char data[9] = "........";
  request.data_in = std::as_writable_bytes(std::span(data)).first(8);
  session_->submit(request);
  settle();
  const auto command = peer().take_command();
  ASSERT_EQ(command.data_in.format, srp::Format::direct);
  srp::Response response = response_to(command.tag);
  response.residual = {.flags = wire::srp::diunder, .data_in = 5};
  peer().respond(response, command.data_in.descriptors, "abc");
  settle();
  EXPECT_TRUE(request.good());
  EXPECT_EQ(request.received(), 3u);
  EXPECT_STREQ(data, "abc.....");
}

TEST_F(SessionTest, IndirectAndExternalTables) {
  options_.immediate_data = false;
  options_.segment_bytes = 4;
  options_.max_segments = 8;
  for (const Descriptors mode : {Descriptors::indirect, Descriptors::external}) {
    options_.descriptors = mode;
    options_.descriptors_in_iu = 1;
    over_ = false;
    open();
    TestRequest request;
    char data[11] = "..........";
    request.data_in = std::as_writable_bytes(std::span(data)).first(10);
    session_->submit(request);
    settle();
    const auto command = peer().take_command();
    ASSERT_EQ(command.data_in.format, srp::Format::indirect);
    EXPECT_EQ(command.data_in.length, 10u);
    EXPECT_EQ(command.data_in.table_count, 3u);
    EXPECT_EQ(command.data_in.external(), mode == Descriptors::external);
    wire::srp::MemoryDescriptor table[3];
    const auto& place = command.data_in.table;
    const transport::RemoteSegment segment{place.address, place.key, place.length};
    const iovec local{table, sizeof table};
    FakeTarget::Peer::ReadResult read;
    read.remote = {&segment, 1};
    read.local = {&local, 1};
    read.length = sizeof table;
    peer().channel->read(read);
    settle();
    ASSERT_EQ(read.result(), 0);
    peer().respond(response_to(command.tag), table, "0123456789");
    settle();
    EXPECT_STREQ(data, "0123456789");

    TestRequest large;
    char more[33];
    large.data_in = std::as_writable_bytes(std::span(more));
    session_->submit(large);
    settle();
    EXPECT_EQ(large.error, -EMSGSIZE);
    session_->close();
    settle();
  }
}

TEST_F(SessionTest, KeepsToItsCredits) {
  target_.credits = 3;
  open();
  TestRequest requests[5];
  for (auto& request : requests) session_->submit(request);
  settle();
  // The last credit is kept for task management.
  EXPECT_EQ(peer().ius.size(), 2u);
  peer().respond(response_to(peer().take_command().tag, 0));
  settle();
  EXPECT_EQ(peer().ius.size(), 1u) << "a response without credit lets nothing go";
  const auto credit = srp::build_cred_req({.tag = wire::srp::to_tag(9), .req_lim_delta = 2});
  peer().send(wire::bytes_of(credit));
  settle();
  ASSERT_EQ(peer().ius.size(), 4u);
  const auto answer = std::find_if(peer().ius.begin(), peer().ius.end(), [](const auto& iu) {
    return srp::opcode_of(iu) == srp::Opcode::cred_rsp;
  });
  ASSERT_NE(answer, peer().ius.end());
  EXPECT_EQ(wire::srp::to_integer(*srp::parse_short(*answer)), 9u);
  EXPECT_EQ(session_->channels()[0]->credits(), 1);
  close();
}

TEST_F(SessionTest, AnswersEventsAndLogout) {
  open();
  std::byte bytes[64];
  srp::AsyncEvent event;
  event.tag = wire::srp::to_tag(4);
  const auto length = srp::build_aer_req(event, bytes);
  peer().send({bytes, length});
  settle();
  peer().take();
  EXPECT_EQ(srp::opcode_of(peer().iu), srp::Opcode::aer_rsp);
  const auto logout = srp::build_t_logout(srp::LogoutReason::inactive, false, {});
  peer().send(wire::bytes_of(logout));
  settle();
  EXPECT_TRUE(peer().closed);
  pass(1s);
  EXPECT_EQ(ups_, 2) << "did not log in again";
}

TEST_F(SessionTest, SendsAgainAfterUnitAttentionAndBusy) {
  open();
  TestRequest request;
  request.transient_retries = 2;
  session_->submit(request);
  settle();
  std::byte sense[18] = {std::byte{0x70}, {}, std::byte{6}};
  peer().respond(response_to(peer().take_command().tag, 1, 2, sense));
  settle();
  EXPECT_FALSE(request.completed());
  peer().respond(response_to(peer().take_command().tag, 1, 8));
  settle();
  EXPECT_TRUE(peer().ius.empty()) << "no pause after BUSY";
  pass(30ms);
  peer().respond(response_to(peer().take_command().tag, 1, 2, sense));
  settle();
  EXPECT_TRUE(request.completed());
  EXPECT_EQ(request.status, 2);
  EXPECT_EQ(request.sense_length, 18);
}

TEST_F(SessionTest, ATimeoutIsAborted) {
  open();
  TestRequest request;
  request.timeout = 2s;
  session_->submit(request);
  settle();
  const auto command = peer().take_command();
  pass(1900ms);
  EXPECT_TRUE(peer().ius.empty());
  pass(200ms);
  const auto task = peer().take_task();
  EXPECT_EQ(task.function, srp::TaskFunction::abort_task);
  EXPECT_EQ(task.task_tag, command.tag);
  EXPECT_FALSE(request.completed()) << "its memory is the target's until the answer";
  peer().answer(task.tag, srp::ResponseCode::no_failure);
  settle();
  EXPECT_TRUE(request.completed());
  EXPECT_EQ(request.error, -ETIMEDOUT);
  EXPECT_EQ(ups_, 1);
}

TEST_F(SessionTest, AResponseThatOvertakesTheAbortCounts) {
  open();
  TestRequest request;
  request.timeout = 1s;
  session_->submit(request);
  settle();
  const auto command = peer().take_command();
  pass(1100ms);
  const auto task = peer().take_task();
  peer().good(command.tag);
  settle();
  EXPECT_TRUE(request.good() && request.completed());
  // The record is used again before the abort is answered.
  session_->submit(request);
  settle();
  peer().answer(task.tag, srp::ResponseCode::no_failure);
  settle();
  EXPECT_EQ(request.completions, 1) << "the abort ended a request it does not concern";
  peer().good(peer().take_command().tag);
  settle();
  EXPECT_EQ(request.completions, 2);
}

TEST_F(SessionTest, AFailedAbortLeadsToLunResetAndThatToReconnecting) {
  options_.reconnect = true;
  open();
  TestRequest request;
  request.timeout = 1s;
  request.repeatable = true;
  session_->submit(request);
  TestRequest bystander;
  bystander.repeatable = true;
  session_->submit(bystander);
  settle();
  pass(1100ms);
  peer().take();
  peer().take();
  const auto abort = peer().take_task();
  peer().answer(abort.tag, srp::ResponseCode::function_failed);
  settle();
  const auto reset = peer().take_task();
  EXPECT_EQ(reset.function, srp::TaskFunction::lun_reset);
  pass(5s + 100ms);
  EXPECT_TRUE(request.completed());
  EXPECT_EQ(request.error, -ETIMEDOUT);
  EXPECT_EQ(ups_, 2);
  EXPECT_FALSE(bystander.completed());
  peer().good(peer().take_command().tag);
  settle();
  EXPECT_TRUE(bystander.good() && bystander.completed());
}

TEST_F(SessionTest, LunResetEndsTheCommandsOfItsUnitOnly) {
  open();
  TestRequest here, there;
  there.lun = std::uint64_t{1} << 48;
  session_->submit(here);
  session_->submit(there);
  settle();
  TestTask reset;
  reset.function = srp::TaskFunction::lun_reset;
  session_->manage(reset);
  settle();
  peer().take();
  const auto other = peer().take_command();
  peer().answer(peer().take_task().tag, srp::ResponseCode::no_failure);
  settle();
  EXPECT_EQ(reset.completions, 1);
  EXPECT_EQ(here.error, -ECANCELED);
  EXPECT_FALSE(there.completed());
  peer().good(other.tag);
  settle();
  EXPECT_TRUE(there.good());
}

TEST_F(SessionTest, AbortingWhatIsNotUnderWay) {
  open();
  TestRequest request;
  session_->submit(request);
  settle();
  peer().good(peer().take_command().tag);
  settle();
  TestTask abort;
  abort.victim = &request;
  session_->manage(abort);
  settle();
  EXPECT_EQ(abort.error, -ENOENT);
  EXPECT_TRUE(peer().ius.empty());
}

TEST_F(SessionTest, AfterALossOnlyWhatMayBeRepeatedIs) {
  open();
  TestRequest first, once, last;
  first.repeatable = last.repeatable = true;
  first.cdb[1] = std::byte{1};
  last.cdb[1] = std::byte{2};
  session_->submit(first);
  session_->submit(once);
  session_->submit(last);
  settle();
  peer().channel->disconnect("crash", false);
  settle();
  EXPECT_EQ(once.error, -ECONNRESET);
  EXPECT_TRUE(once.completed());
  EXPECT_FALSE(first.completed());
  EXPECT_FALSE(down_.empty());
  pass(200ms);
  EXPECT_EQ(ups_, 2);
  for (int i = 1; i <= 2; ++i) {
    const auto command = peer().take_command();
    EXPECT_EQ(std::to_integer<int>(command.cdb[1]), i) << "not in their old order";
    peer().good(command.tag);
  }
  settle();
  EXPECT_TRUE(first.good() && last.good());
  EXPECT_EQ(session_->counters().reissued, 2u);
}

TEST_F(SessionTest, BacksOffAndGivesUp) {
  options_.give_up_after = 20s;
  open();
  target_.refuse = true;
  peer().channel->disconnect("crash", false);
  TestRequest request;
  request.repeatable = true;
  session_->submit(request);
  pass(60s);
  EXPECT_TRUE(over_);
  EXPECT_EQ(request.error, -ENOTCONN);
  EXPECT_NE(error_.find("no connection for"), std::string::npos) << error_;
  EXPECT_LT(target_.requests, 20);
  EXPECT_GT(target_.requests, 6);
}

TEST_F(SessionTest, ARejectedLoginSaysWhatToDo) {
  target_.refuse = true;
  open();
  EXPECT_TRUE(over_);
  EXPECT_NE(error_.find("UNABLE TO ASSOCIATE"), std::string::npos) << error_;
  EXPECT_NE(error_.find("allow initiator 0x00000000000000000000000000000001"), std::string::npos)
      << error_;
}

TEST_F(SessionTest, AQueueThatIsFullSaysSo) {
  options_.max_queued = 2;
  open();
  TestRequest requests[3];
  EXPECT_TRUE(session_->submit(requests[0]));
  EXPECT_TRUE(session_->submit(requests[1]));
  EXPECT_FALSE(session_->submit(requests[2]));
  close();
}

TEST_F(SessionTest, ManyChannelsOneNexus) {
  options_.channels = 4;
  target_.most_channels = 3;
  open();
  EXPECT_EQ(ups_, 1);
  ASSERT_EQ(target_.peers.size(), 3u);
  EXPECT_EQ(target_.peers[0].login.flags & 3, wire::srp::multi_channel_single);
  EXPECT_EQ(target_.peers[1].login.flags & 3, wire::srp::multi_channel_multi);
  TestRequest requests[3];
  for (auto& request : requests) session_->submit(request);
  settle();
  for (auto& each : target_.peers) {
    ASSERT_EQ(each.ius.size(), 1u);
    each.good(each.take_command().tag);
  }
  settle();
  for (auto& request : requests) EXPECT_TRUE(request.good() && request.completed());
  target_.most_channels = 6;
  target_.peers[1].channel->disconnect("crash", false);
  pass(500ms);
  EXPECT_EQ(ups_, 2) << "one channel lost: all are made anew";
  EXPECT_TRUE(target_.peers[0].closed && target_.peers[2].closed);
}

TEST_F(SessionTest, ClosingLogsOutAndEndsEverything) {
  open();
  TestRequest sent, waiting;
  session_->submit(sent);
  settle();
  session_->submit(waiting);
  session_->close();
  settle();
  EXPECT_TRUE(over_);
  EXPECT_TRUE(error_.empty());
  EXPECT_EQ(sent.error, -ENOTCONN);
  EXPECT_EQ(waiting.error, -ENOTCONN);
  EXPECT_FALSE(session_->submit(sent));
  peer().take();
  peer().take();
  EXPECT_EQ(srp::opcode_of(peer().iu), srp::Opcode::i_logout);
}

TEST_F(SessionTest, AResponseToNothingIsCounted) {
  open();
  peer().good(wire::srp::to_tag(0x12345));
  settle();
  EXPECT_EQ(session_->counters().unknown_tags, 1u);
  EXPECT_EQ(session_->channels()[0]->credits(), 9);
}

TEST_F(SessionTest, NonsenseFromTheTargetEndsTheConnection) {
  for (const auto& nonsense : std::vector<std::vector<std::byte>>{
           {std::byte{0x02}}, {std::byte{0xc1}, std::byte{0}}, {std::byte{0x81}}}) {
    over_ = false;
    open();
    peer().send(nonsense);
    settle();
    EXPECT_TRUE(peer().closed);
    session_->close();
    settle();
    EXPECT_TRUE(over_);
  }
}

}  // namespace
}  // namespace srpd::initiator
