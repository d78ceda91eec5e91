#include "unit/transport/channel_suite.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "base/random.h"

namespace srpd::transport {
namespace {

using namespace std::chrono_literals;

// A repeated look at a condition on a loop in real time.
struct Watchman : runtime::Timer {
  Watchman(runtime::Loop& on, const std::function<bool()>& condition)
      : Timer([](Timer& self) { static_cast<Watchman&>(self).look(); }),
        loop(on),
        done(condition),
        limit(on.now() + 20s) {}
  void look() {
    if (done() || loop.now() > limit)
      loop.stop();
    else
      loop.start_timer(*this, loop.now() + 100us);
  }
  runtime::Loop& loop;
  const std::function<bool()>& done;
  runtime::Time limit;
};

// Memory in pieces.
std::vector<iovec> cut(std::span<std::byte> memory, std::size_t pieces) {
  std::vector<iovec> out;
  const std::size_t step = std::max<std::size_t>(memory.size() / pieces, 1);
  for (std::size_t at = 0; at < memory.size();) {
    const std::size_t left = memory.size() - at;
    const std::size_t length = out.size() + 1 == pieces ? left : std::min(step, left);
    out.push_back({memory.data() + at, length});
    at += length;
  }
  return out;
}

// Three segments, one of them empty, that make up `whole`.
std::vector<RemoteSegment> in_three(const RemoteSegment& whole) {
  const std::uint32_t third = whole.length / 3;
  return {{whole.address, whole.key, third},
          {whole.address + third, whole.key, 0},
          {whole.address + third, whole.key, whole.length - third}};
}

}  // namespace

// Each transport instantiates the suite in a file of its own.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ChannelSuite);

bool run_host_loop_until(runtime::Loop& loop, const std::function<bool()>& done) {
  if (done()) return true;
  Watchman watchman(loop, done);
  loop.start_timer(watchman, loop.now());
  loop.run();
  return done();
}

void RecordingHandler::on_iu(Iu& iu) {
  EXPECT_FALSE(closed);
  ius.push_back(as_text(iu.bytes()));
  if (also) also(iu);
  if (hold)
    held.push_back(&iu);
  else
    channel->release(iu);
}

void RecordingHandler::on_closed(const CloseReason& why) {
  EXPECT_FALSE(closed);
  closed = true;
  reason = why;
}

void RecordingConnector::on_connected(std::unique_ptr<Channel> made,
                                      std::span<const std::byte> data) {
  EXPECT_FALSE(finished);
  finished = true;
  channel = std::move(made);
  private_data = as_text(data);
}

void RecordingConnector::on_rejected(std::span<const std::byte> data) {
  EXPECT_FALSE(finished);
  finished = rejected = true;
  private_data = as_text(data);
}

void RecordingConnector::on_failed(const Error& why) {
  EXPECT_FALSE(finished);
  finished = true;
  error = why.text();
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> out(size);
  Random random(seed);
  for (auto& byte : out) byte = static_cast<std::byte>(random.next());
  return out;
}

ChannelSuite::ChannelSuite() { initiator_parameters_.inbound_reads = 4; }

ChannelSuite::~ChannelSuite() {
  close();
  connector_.reset();
  listening_.request.reset();
  listener_.reset();
  connecting_.channel.reset();
  established_.channel.reset();
  if (environment_) settle();
}

// A channel that was dropped tells its peer by a message to the loop: let it arrive.
void ChannelSuite::settle() {
  struct Arrival : runtime::Mail {
    Arrival() : Mail([](Mail& self) { static_cast<Arrival&>(self).arrived = true; }) {}
    bool arrived = false;
  } last;
  environment_->loop().post(last);
  EXPECT_TRUE(run_until([&] { return last.arrived; }));
}

void ChannelSuite::SetUp() {
  environment_ = GetParam().make();
  if (!environment_) GTEST_SKIP() << GetParam().name << ": " << GetParam().why_not;
}

std::string ChannelSuite::sent_as(std::string arrived) const {
  if (environment_->pads_private_data()) arrived.resize(arrived.find_last_not_of('\0') + 1);
  return arrived;
}

void ChannelSuite::listen() {
  auto made = environment_->transport().listen(environment_->loop(), environment_->listen_address(),
                                               listening_);
  ASSERT_TRUE(made) << made.error().text();
  listener_ = std::move(*made);
}

void ChannelSuite::start_connecting(std::string_view private_data) {
  ConnectOptions options;
  options.peer = listener_ ? listener_->address() : environment_->dead_address();
  options.source = environment_->source_address();
  options.private_data = as_bytes(private_data);
  options.parameters = initiator_parameters_;
  connector_ = environment_->transport().connect(environment_->loop(), options, connecting_);
}

void ChannelSuite::connect() {
  ASSERT_NO_FATAL_FAILURE(establish());
  if (HasFatalFailure()) return;
  initiator_->start(at_initiator_);
  target_->start(at_target_);
}

void ChannelSuite::establish() {
  listen();
  start_connecting();
  ASSERT_TRUE(run_until([&] { return listening_.request != nullptr; })) << connecting_.error;
  listening_.request->accept(as_bytes("welcome"), target_parameters_, environment_->loop(),
                             established_);
  listening_.request.reset();
  ASSERT_TRUE(run_until([&] { return connecting_.finished && established_.channel; }))
      << connecting_.error << established_.reason.text;
  ASSERT_TRUE(connecting_.channel) << connecting_.error;
  initiator_ = std::move(connecting_.channel);
  target_ = std::move(established_.channel);
  connector_.reset();
  at_initiator_.channel = initiator_.get();
  at_target_.channel = target_.get();
}

void ChannelSuite::speak() {
  CountedSend hello;
  hello.iu = as_bytes("hello");
  initiator_->send(hello);
  ASSERT_TRUE(run_until([&] { return hello.completions > 0 && !at_target_.ius.empty(); }));
  at_target_.ius.clear();
}

void ChannelSuite::close() {
  for (auto* end : {&initiator_, &target_}) {
    if (!*end) continue;
    RecordingHandler& handler = end == &initiator_ ? at_initiator_ : at_target_;
    for (Iu* iu : handler.held) (*end)->release(*iu);
    handler.held.clear();
    handler.hold = false;
    (*end)->disconnect("end of test", false);
    EXPECT_TRUE(run_until([&] { return handler.closed; }));
    end->reset();
  }
}

TEST_P(ChannelSuite, CarriesPrivateDataBothWays) {
  listen();
  start_connecting("the login request");
  ASSERT_TRUE(run_until([&] { return listening_.request != nullptr; }));
  EXPECT_EQ(sent_as(as_text(listening_.request->private_data())), "the login request");
  EXPECT_EQ(listening_.request->transport(), environment_->transport().name());
  EXPECT_FALSE(listening_.request->peer().text().empty());
  listening_.request->accept(as_bytes("the response"), target_parameters_, environment_->loop(),
                             established_);
  listening_.request.reset();
  ASSERT_TRUE(run_until([&] { return connecting_.finished && established_.channel; }))
      << connecting_.error << established_.reason.text;
  ASSERT_TRUE(connecting_.channel) << connecting_.error;
  EXPECT_EQ(sent_as(connecting_.private_data), "the response");
  EXPECT_EQ(&connecting_.channel->loop(), &environment_->loop());
  EXPECT_EQ(established_.channel->peer().text(), connecting_.channel->local().text());
  EXPECT_FALSE(established_.channel->description().empty());
}

TEST_P(ChannelSuite, RejectsWithPrivateData) {
  listen();
  start_connecting();
  ASSERT_TRUE(run_until([&] { return listening_.request != nullptr; }));
  listening_.request->reject(as_bytes("go away"));
  listening_.request.reset();
  ASSERT_TRUE(run_until([&] { return connecting_.finished; }));
  EXPECT_TRUE(connecting_.rejected) << connecting_.error;
  EXPECT_EQ(sent_as(connecting_.private_data), "go away");
}

TEST_P(ChannelSuite, DroppedRequestEndsTheAttempt) {
  listen();
  start_connecting();
  ASSERT_TRUE(run_until([&] { return listening_.request != nullptr; }));
  listening_.request.reset();
  ASSERT_TRUE(run_until([&] { return connecting_.finished; }));
  EXPECT_FALSE(connecting_.channel);
  EXPECT_FALSE(connecting_.error.empty());
}

TEST_P(ChannelSuite, SaysWhyNobodyAnswers) {
  start_connecting();
  EXPECT_FALSE(connecting_.finished);
  ASSERT_TRUE(run_until([&] { return connecting_.finished; }));
  EXPECT_FALSE(connecting_.channel);
  EXPECT_FALSE(connecting_.error.empty());
}

TEST_P(ChannelSuite, CancelledConnectorSaysNothing) {
  listen();
  start_connecting();
  connector_.reset();
  int looks = 0;
  run_until([&] { return ++looks > 100; });
  EXPECT_FALSE(connecting_.finished);
}

TEST_P(ChannelSuite, NeverExceedsTheReadDepthOfThePeer) {
  target_parameters_.outbound_reads = 16;
  initiator_parameters_.inbound_reads = 4;
  ASSERT_NO_FATAL_FAILURE(connect());
  EXPECT_EQ(target_->limits().read_depth, 4u);
}

TEST_P(ChannelSuite, SendsInOrderBothWays) {
  ASSERT_NO_FATAL_FAILURE(connect());
  std::vector<std::string> sent;
  for (const std::size_t size : {1u, 2u, 3u, 48u, 64u, 255u, 256u, 257u, 1000u, 4164u, 8260u}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + size);
    sent.push_back(text);
  }
  std::deque<CountedSend> works;
  for (const std::string& text : sent) {
    for (Channel* end : {initiator_.get(), target_.get()}) {
      CountedSend& work = works.emplace_back();
      work.iu = as_bytes(text);
      work.solicited = text.size() % 2 == 0;
      end->send(work);
      EXPECT_EQ(work.completions, 0);
    }
  }
  ASSERT_TRUE(run_until([&] {
    return at_target_.ius.size() >= sent.size() && at_initiator_.ius.size() >= sent.size() &&
           std::all_of(works.begin(), works.end(), [](auto& w) { return w.completions > 0; });
  }));
  EXPECT_EQ(at_target_.ius, sent);
  EXPECT_EQ(at_initiator_.ius, sent);
  for (CountedSend& work : works) {
    EXPECT_EQ(work.completions, 1);
    EXPECT_EQ(work.result(), 0);
  }
}

TEST_P(ChannelSuite, WritesAreThereWhenTheSendArrives) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  for (const std::size_t size : {1u, 511u, 4096u, 65536u, 100'001u, 4u << 20}) {
    auto source = random_bytes(size, size);
    std::vector<std::byte> sink(size + 64, std::byte{0xee});
    const RemoteSegment whole =
        initiator_->expose(std::span(sink).first(size), Access::remote_write);
    const auto remote = in_three(whole);
    const auto local = cut(source, 7);
    bool same = false;
    at_initiator_.ius.clear();
    at_initiator_.also = [&](Iu&) { same = std::memcmp(source.data(), sink.data(), size) == 0; };
    CountedSend work;
    work.remote = remote;
    work.local = local;
    work.length = static_cast<std::uint32_t>(size);
    work.iu = as_bytes("done");
    target_->send(work);
    EXPECT_EQ(work.completions, 0);
    ASSERT_TRUE(run_until([&] { return !at_initiator_.ius.empty() && work.completions > 0; }))
        << size;
    EXPECT_TRUE(same) << size;
    EXPECT_EQ(work.result(), 0);
    EXPECT_EQ(sink[size], std::byte{0xee});
    at_initiator_.also = nullptr;
    initiator_->withdraw(whole.key);
  }
}

TEST_P(ChannelSuite, WriteWithoutSendAndEmptyWork) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  auto source = random_bytes(5000, 1);
  std::vector<std::byte> sink(5000);
  const RemoteSegment remote = initiator_->expose(sink, Access::both);
  const iovec local{source.data(), source.size()};
  CountedSend write;
  write.remote = {&remote, 1};
  write.local = {&local, 1};
  write.length = 5000;
  CountedSend empty;
  CountedSend last;
  last.iu = as_bytes("last");
  target_->send(write);
  target_->send(empty);
  target_->send(last);
  EXPECT_EQ(empty.completions, 0);
  ASSERT_TRUE(run_until([&] { return !at_initiator_.ius.empty() && last.completions == 1; }));
  EXPECT_EQ(source, sink);
  EXPECT_EQ(write.result(), 0);
  EXPECT_EQ(empty.result(), 0);
  initiator_->withdraw(remote.key);
}

TEST_P(ChannelSuite, ReadsFromSeveralSegmentsAtAnOffset) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  for (const std::size_t size : {1u, 512u, 4096u, 65536u, 100'001u, 4u << 20}) {
    auto source = random_bytes(size + 300, size);
    const RemoteSegment whole = initiator_->expose(source, Access::remote_read);
    const auto remote = in_three(whole);
    std::vector<std::byte> sink(size + 64, std::byte{0xee});
    const auto local = cut(std::span(sink).first(size), 5);
    CountedRead work;
    work.remote = remote;
    work.remote_offset = 150;
    work.local = local;
    work.length = static_cast<std::uint32_t>(size);
    target_->read(work);
    EXPECT_EQ(work.completions, 0);
    ASSERT_TRUE(run_until([&] { return work.completions > 0; })) << size;
    EXPECT_EQ(work.result(), 0);
    EXPECT_EQ(std::memcmp(sink.data(), source.data() + 150, size), 0) << size;
    EXPECT_EQ(sink[size], std::byte{0xee});
    initiator_->withdraw(whole.key);
  }
}

TEST_P(ChannelSuite, QueuesReadsBeyondTheDepth) {
  initiator_parameters_.inbound_reads = 2;
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  constexpr std::size_t count = 200;
  auto source = random_bytes(count * 1000, 3);
  const RemoteSegment remote = initiator_->expose(source, Access::remote_read);
  std::vector<std::byte> sink(source.size());
  std::deque<CountedRead> works;
  std::deque<iovec> places;
  for (std::size_t i = 0; i < count; ++i) {
    places.push_back({sink.data() + i * 1000, 1000});
    CountedRead& work = works.emplace_back();
    work.remote = {&remote, 1};
    work.remote_offset = i * 1000;
    work.local = {&places.back(), 1};
    work.length = 1000;
    target_->read(work);
  }
  ASSERT_TRUE(run_until([&] { return works.back().completions > 0; }));
  for (CountedRead& work : works) {
    EXPECT_EQ(work.completions, 1);
    EXPECT_EQ(work.result(), 0);
  }
  EXPECT_EQ(source, sink);
  initiator_->withdraw(remote.key);
}

TEST_P(ChannelSuite, EmptyReadCompletes) {
  ASSERT_NO_FATAL_FAILURE(connect());
  CountedRead work;
  target_->read(work);
  EXPECT_EQ(work.completions, 0);
  ASSERT_TRUE(run_until([&] { return work.completions > 0; }));
  EXPECT_EQ(work.result(), 0);
}

TEST_P(ChannelSuite, ReadsFailWhereThePeerAnswersNone) {
  if (!environment_->tells_read_depth()) return;
  initiator_parameters_.inbound_reads = 0;
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  EXPECT_EQ(target_->limits().read_depth, 0u);
  auto source = random_bytes(4096, 1);
  std::vector<std::byte> sink(source.size());
  const RemoteSegment remote = initiator_->expose(source, Access::remote_read);
  const auto local = cut(sink, 2);
  CountedRead read;
  read.remote = {&remote, 1};
  read.local = local;
  read.length = static_cast<std::uint32_t>(sink.size());
  CountedRead empty;
  target_->read(read);
  target_->read(empty);
  EXPECT_EQ(read.completions + empty.completions, 0);
  ASSERT_TRUE(run_until([&] { return read.completions > 0 && empty.completions > 0; }));
  EXPECT_EQ(read.result(), -EIO);
  EXPECT_EQ(empty.result(), 0);
  CountedSend answer;
  answer.iu = as_bytes("failed");
  target_->send(answer);
  ASSERT_TRUE(run_until([&] { return at_initiator_.ius.size() == 1 && answer.completions > 0; }));
  EXPECT_EQ(answer.result(), 0);
  EXPECT_FALSE(at_target_.closed);
  initiator_->withdraw(remote.key);
}

// Everything at once, in both directions, with random sizes; all data must be right.
TEST_P(ChannelSuite, MixedTraffic) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  Random random(7);
  struct Unit {
    std::vector<std::byte> host, target;
    RemoteSegment remote;
    iovec local{};
    CountedSend send;
    CountedRead read;
    std::string text;
    bool is_write = false;
    bool done() const { return send.completions > 0 && (is_write || read.completions > 0); }
  };
  std::deque<Unit> units;
  std::deque<CountedSend> questions;
  for (int i = 0; i < 150; ++i) {
    CountedSend& question = questions.emplace_back();
    question.iu = as_bytes("a question of some length");
    initiator_->send(question);
    const auto size =
        static_cast<std::uint32_t>(1 + random.below(random.one_in(8) ? 300'000 : 9000));
    Unit& unit = units.emplace_back();
    unit.is_write = random.one_in(2);
    unit.host = random_bytes(size, random.next());
    unit.target = random_bytes(size, random.next());
    unit.remote = initiator_->expose(unit.host, Access::both);
    unit.local = {unit.target.data(), size};
    unit.text = "answer " + std::to_string(i);
    unit.send.iu = as_bytes(unit.text);
    if (unit.is_write) {
      unit.send.remote = {&unit.remote, 1};
      unit.send.local = {&unit.local, 1};
      unit.send.length = size;
    } else {
      unit.read.remote = {&unit.remote, 1};
      unit.read.local = {&unit.local, 1};
      unit.read.length = size;
      target_->read(unit.read);
    }
    target_->send(unit.send);
    if (i % 20 == 0) run_until([&] { return unit.send.completions > 0; });
  }
  ASSERT_TRUE(run_until([&] {
    return at_initiator_.ius.size() == units.size() && at_target_.ius.size() == questions.size() &&
           std::all_of(units.begin(), units.end(), [](Unit& unit) { return unit.done(); }) &&
           std::all_of(questions.begin(), questions.end(),
                       [](CountedSend& send) { return send.completions > 0; });
  }));
  for (std::size_t i = 0; i < units.size(); ++i) {
    EXPECT_EQ(units[i].host, units[i].target) << i;
    EXPECT_EQ(at_initiator_.ius[i], units[i].text);
    initiator_->withdraw(units[i].remote.key);
  }
}

TEST_P(ChannelSuite, LentIusStayUntilReleased) {
  ASSERT_NO_FATAL_FAILURE(connect());
  at_target_.hold = true;
  const std::string text(4164, 'x');
  std::deque<CountedSend> works;
  for (int i = 0; i < 20; ++i) {
    CountedSend& work = works.emplace_back();
    work.iu = as_bytes(text);
    initiator_->send(work);
  }
  ASSERT_TRUE(
      run_until([&] { return at_target_.held.size() == 20 && works.back().completions > 0; }));
  for (Iu* iu : at_target_.held) EXPECT_EQ(as_text(iu->bytes()), text);
}

TEST_P(ChannelSuite, PostsFromInsideCallbacks) {
  ASSERT_NO_FATAL_FAILURE(connect());
  CountedSend answer;
  CountedRead read;
  auto memory = random_bytes(10'000, 1);
  const RemoteSegment remote = initiator_->expose(memory, Access::remote_read);
  std::vector<std::byte> sink(memory.size());
  const iovec local{sink.data(), sink.size()};
  at_target_.also = [&](Iu&) {
    read.remote = {&remote, 1};
    read.local = {&local, 1};
    read.length = 10'000;
    target_->read(read);
    answer.iu = as_bytes("answer");
    target_->send(answer);
    EXPECT_EQ(answer.completions + read.completions, 0);
  };
  CountedSend question;
  question.iu = as_bytes("question");
  initiator_->send(question);
  ASSERT_TRUE(run_until([&] {
    return answer.completions > 0 && read.completions > 0 && !at_initiator_.ius.empty();
  }));
  EXPECT_EQ(sink, memory);
  initiator_->withdraw(remote.key);
}

TEST_P(ChannelSuite, EndFromInsideACallback) {
  ASSERT_NO_FATAL_FAILURE(connect());
  at_target_.also = [&](Iu&) { target_->disconnect("had enough", false); };
  std::deque<CountedSend> works;
  for (int i = 0; i < 5; ++i) {
    CountedSend& work = works.emplace_back();
    work.iu = as_bytes("one of five");
    initiator_->send(work);
  }
  ASSERT_TRUE(run_until([&] { return at_target_.closed && at_initiator_.closed; }));
  EXPECT_EQ(at_target_.ius.size(), 1u);
  EXPECT_EQ(at_target_.reason.kind, CloseReason::Kind::local);
}

TEST_P(ChannelSuite, GracefulEndDeliversWhatWasSent) {
  ASSERT_NO_FATAL_FAILURE(connect());
  std::deque<CountedSend> works;
  const std::string text(3000, 'q');
  for (int i = 0; i < 50; ++i) {
    CountedSend& work = works.emplace_back();
    work.iu = as_bytes(text);
    initiator_->send(work);
  }
  initiator_->disconnect("enough");
  EXPECT_FALSE(at_initiator_.closed);
  ASSERT_TRUE(run_until([&] { return at_target_.closed && at_initiator_.closed; }));
  EXPECT_EQ(at_target_.ius.size(), 50u);
  EXPECT_EQ(at_initiator_.reason.kind, CloseReason::Kind::local);
  EXPECT_EQ(at_target_.reason.kind, CloseReason::Kind::peer_closed);
  for (CountedSend& work : works) EXPECT_EQ(work.completions, 1);
}

TEST_P(ChannelSuite, EverythingCompletesOnceWhenTheChannelEnds) {
  initiator_parameters_.inbound_reads = 2;
  ASSERT_NO_FATAL_FAILURE(connect());
  auto memory = random_bytes(1 << 20, 1);
  const RemoteSegment remote = initiator_->expose(memory, Access::both);
  std::vector<std::byte> sink(memory.size());
  const iovec local{sink.data(), sink.size()};
  std::deque<CountedRead> reads;
  std::deque<CountedSend> sends;
  const auto post = [&] {
    CountedRead& read = reads.emplace_back();
    read.remote = {&remote, 1};
    read.local = {&local, 1};
    read.length = 1 << 20;
    target_->read(read);
    CountedSend& send = sends.emplace_back();
    send.iu = as_bytes("never sent");
    target_->send(send);
  };
  for (int i = 0; i < 20; ++i) post();
  target_->disconnect("abort", false);
  target_->disconnect("again", false);
  post();
  for (CountedRead& read : reads) EXPECT_EQ(read.completions, 0);
  for (CountedSend& send : sends) EXPECT_EQ(send.completions, 0);
  ASSERT_TRUE(run_until([&] { return at_target_.closed; }));
  for (CountedRead& read : reads) {
    EXPECT_EQ(read.completions, 1);
    EXPECT_EQ(read.result(), -ECONNRESET);
  }
  for (CountedSend& send : sends) {
    EXPECT_EQ(send.completions, 1);
    EXPECT_EQ(send.result(), -ECONNRESET);
  }
  EXPECT_EQ(at_target_.reason.kind, CloseReason::Kind::local);
  ASSERT_TRUE(run_until([&] { return at_initiator_.closed; }));
  EXPECT_NE(at_initiator_.reason.kind, CloseReason::Kind::local);
  EXPECT_FALSE(at_initiator_.reason.text.empty());
}

TEST_P(ChannelSuite, ReportsAnEndThatCameBeforeStart) {
  ASSERT_NO_FATAL_FAILURE(establish());
  initiator_->start(at_initiator_);
  initiator_->disconnect("gone", false);
  ASSERT_TRUE(run_until([&] { return at_initiator_.closed; }));
  target_->start(at_target_);
  EXPECT_FALSE(at_target_.closed);
  ASSERT_TRUE(run_until([&] { return at_target_.closed; }));
  EXPECT_NE(at_target_.reason.kind, CloseReason::Kind::local);
}

TEST_P(ChannelSuite, WriteToWithdrawnMemoryEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  std::vector<std::byte> sink(100, std::byte{1});
  const RemoteSegment old = initiator_->expose(sink, Access::remote_write);
  initiator_->withdraw(old.key);
  const RemoteSegment fresh = initiator_->expose(sink, Access::remote_write);
  EXPECT_NE(old.key, fresh.key);
  auto source = random_bytes(100, 1);
  const iovec local{source.data(), source.size()};
  CountedSend write;
  write.remote = {&old, 1};
  write.local = {&local, 1};
  write.length = 100;
  target_->send(write);
  ASSERT_TRUE(run_until([&] { return at_target_.closed && at_initiator_.closed; }));
  EXPECT_EQ(sink, std::vector<std::byte>(100, std::byte{1}));
  EXPECT_EQ(write.completions, 1);
}

TEST_P(ChannelSuite, ReadOfUnknownMemoryEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(connect());
  speak();
  std::vector<std::byte> sink(100, std::byte{1});
  const iovec local{sink.data(), sink.size()};
  const RemoteSegment remote{0, 0x12345678, 100};
  CountedRead read;
  read.remote = {&remote, 1};
  read.local = {&local, 1};
  read.length = 100;
  target_->read(read);
  ASSERT_TRUE(run_until([&] { return at_target_.closed && at_initiator_.closed; }));
  EXPECT_EQ(read.completions, 1);
  EXPECT_LT(read.result(), 0);
  EXPECT_EQ(sink, std::vector<std::byte>(100, std::byte{1}));
}

TEST_P(ChannelSuite, AccessIsHeldToBoundsAndRights) {
  enum Wrong { length, address, right };
  for (const Wrong wrong : {length, address, right}) {
    SCOPED_TRACE(wrong);
    connecting_ = {};
    at_initiator_ = {};
    at_target_ = {};
    connect();
    speak();
    std::vector<std::byte> sink(200, std::byte{1});
    RemoteSegment remote = initiator_->expose(
        std::span(sink).first(100), wrong == right ? Access::remote_read : Access::remote_write);
    if (wrong == length) remote.length = 101;
    if (wrong == address) remote.address += 1;
    auto source = random_bytes(200, 1);
    const iovec local{source.data(), source.size()};
    CountedSend write;
    write.remote = {&remote, 1};
    write.local = {&local, 1};
    write.length = remote.length;
    target_->send(write);
    ASSERT_TRUE(run_until([&] { return at_target_.closed && at_initiator_.closed; }));
    // What lies inside may have been written before the fault was seen.
    const std::size_t untouched = wrong == right ? 0 : 100;
    EXPECT_TRUE(std::all_of(sink.begin() + untouched, sink.end(),
                            [](std::byte byte) { return byte == std::byte{1}; }));
    close();
    listener_.reset();
  }
}

}  // namespace srpd::transport
