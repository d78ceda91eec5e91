// What a connection costs: no allocation per operation, little memory when idle, buffers given
// back.
#include <memory>

#include "transport/iwarp/channel.h"
#include "transport/iwarp/transport.h"
#include "unit/runtime/allocation_counter.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport::iwarp {
namespace {

static_assert(sizeof(IwarpChannel) < 2048, "an idle connection is small");

constexpr std::uint32_t data_size = 20'000;

// Answers every IU with an RDMA Read, an RDMA Write and a Send.
struct Echo final : Channel::Handler {
  struct Send : SendWork {
    explicit Send(Echo& to)
        : SendWork([](runtime::Completion& self) { self.reset(); }), owner(to) {}
    Echo& owner;
  };
  struct Read : ReadWork {
    explicit Read(Echo& to)
        : ReadWork([](runtime::Completion& self) {
            self.reset();
            auto& echo = static_cast<Read&>(self).owner;
            echo.channel->send(echo.send);
          }),
          owner(to) {}
    Echo& owner;
  };

  void on_iu(Iu& iu) override {
    channel->release(iu);
    channel->read(read);
  }
  void on_closed(const CloseReason&) override { closed = true; }

  Channel* channel = nullptr;
  Send send{*this};
  Read read{*this};
  bool closed = false;
};

// Sends the next IU when the answer has come.
struct Asker final : Channel::Handler {
  void on_iu(Iu& iu) override {
    channel->release(iu);
    ++rounds;
    if (rounds == 1000) before = runtime::test::allocations();
    if (rounds == last) during = runtime::test::allocations() - before;
    if (rounds < last) {
      // Small and large ones take different buffers.
      work.iu = std::span<const std::byte>(text).first(rounds % 2 == 0 ? 64 : 4164);
      channel->send(work);
    }
  }
  void on_closed(const CloseReason&) override { closed = true; }

  static constexpr int last = 4000;
  Channel* channel = nullptr;
  SendWork work{[](runtime::Completion& self) { self.reset(); }};
  std::vector<std::byte> text = std::vector<std::byte>(8260);
  int rounds = 0;
  std::uint64_t before = 0;
  std::uint64_t during = UINT64_MAX;
  bool closed = false;
};

TEST(SteadyState, AllocatesNothing) {
  for (const bool crc : {false, true}) {
    auto loop = std::move(*runtime::make_loop({}));
    IwarpOptions options;
    options.crc = crc;
    const auto transport = make_transport(options);
    RecordingListener listening;
    RecordingConnector connecting;
    RecordingEstablished established;
    auto listener = transport->listen(*loop, *Address::parse("127.0.0.1", 0), listening);
    ASSERT_TRUE(listener);
    ConnectOptions connect;
    connect.peer = (*listener)->address();
    connect.parameters.inbound_reads = 4;
    auto connector = transport->connect(*loop, connect, connecting);
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return listening.request != nullptr; }));
    listening.request->accept({}, {}, *loop, established);
    ASSERT_TRUE(
        run_host_loop_until(*loop, [&] { return connecting.channel && established.channel; }));

    Asker asker;
    Echo echo;
    asker.channel = connecting.channel.get();
    echo.channel = established.channel.get();
    asker.channel->start(asker);
    echo.channel->start(echo);
    std::vector<std::byte> far(data_size), near(data_size);
    const RemoteSegment remote = asker.channel->expose(far, Access::both);
    const iovec local{near.data(), near.size()};
    echo.read.remote = echo.send.remote = {&remote, 1};
    echo.read.local = echo.send.local = {&local, 1};
    echo.read.length = echo.send.length = data_size;
    echo.send.iu = as_bytes("response");
    asker.work.iu = std::span<const std::byte>(asker.text).first(64);
    asker.channel->send(asker.work);
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return asker.rounds == Asker::last; }));
    EXPECT_EQ(asker.during, 0u);

    asker.channel->disconnect("done", false);
    ASSERT_TRUE(run_host_loop_until(*loop, [&] { return asker.closed && echo.closed; }));
  }
}

}  // namespace
}  // namespace srpd::transport::iwarp
