// The listener on one loop, the accepted channel on another: the socket crosses threads once.
#include <atomic>

#include "runtime/thread.h"
#include "transport/iwarp/transport.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport::iwarp {
namespace {

// Lives on its home loop; others look at the flags only.
struct RemoteEcho final : Channel::Handler, ConnectRequest::Established {
  void on_channel(std::unique_ptr<Channel> made) override {
    channel = std::move(made);
    on_home = channel->loop().is_current();
    channel->start(*this);
  }
  void on_lost(const CloseReason&) override { closed = true; }
  void on_iu(Iu& iu) override {
    channel->release(iu);
    if (work.done()) work.reset();
    work.iu = as_bytes("echo");
    channel->send(work);
  }
  void on_closed(const CloseReason&) override { closed = true; }

  std::unique_ptr<Channel> channel;
  SendWork work{[](runtime::Completion&) {}};
  std::atomic<bool> on_home = false;
  std::atomic<bool> closed = false;
};

TEST(TwoLoops, ChannelLivesOnItsHomeLoop) {
  auto thread = std::move(*runtime::LoopThread::start({.name = "home", .cpu = {}, .loop = {}}));
  auto loop = std::move(*runtime::make_loop({}));
  const auto transport = make_transport({});
  RecordingListener listening;
  auto listener = transport->listen(*loop, *Address::parse("127.0.0.1", 0), listening);
  ASSERT_TRUE(listener);
  for (int round = 0; round < 5; ++round) {
    RecordingConnector connecting;
    RecordingHandler handler;
    RemoteEcho echo;
    ConnectOptions connect;
    connect.peer = (*listener)->address();
    auto connector = transport->connect(*loop, connect, connecting);
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return listening.request != nullptr; }));
    listening.request->accept({}, {}, thread->loop(), echo);
    listening.request.reset();
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return connecting.channel != nullptr; }));
    handler.channel = connecting.channel.get();
    handler.channel->start(handler);
    for (std::size_t i = 1; i <= 20; ++i) {
      CountedSend work;
      work.iu = as_bytes("question");
      handler.channel->send(work);
      ASSERT_TRUE(run_host_loop_until(
          *loop, [&] { return handler.ius.size() == i && work.completions == 1; }));
    }
    EXPECT_TRUE(echo.on_home);
    handler.channel->disconnect("done");
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return handler.closed && echo.closed; }));
    runtime::run_on(thread->loop(), [&] { echo.channel.reset(); });
  }
}

}  // namespace
}  // namespace srpd::transport::iwarp
