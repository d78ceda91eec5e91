// Connections over an RDMA device against the suite of all transports, on both kinds of loop, with
// every way of receiving and sending that devices differ in.
#include "adapter/devices.h"
#include "runtime/loop.h"
#include "transport/verbs/transport.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport {
namespace {

using verbs::VerbsOptions;

class VerbsEnvironment final : public ChannelEnvironment {
 public:
  VerbsEnvironment(std::unique_ptr<runtime::Loop> loop, const VerbsOptions& options,
                   const std::string& host)
      : loop_(std::move(loop)),
        transport_(verbs::make_transport(options)),
        host_(host.find(':') == std::string::npos ? host : "[" + host + "]") {}

  runtime::Loop& loop() override { return *loop_; }
  Transport& transport() override { return *transport_; }
  Address listen_address() override { return *Address::parse("rdma:" + host_, 0); }
  Address dead_address() override { return *Address::parse("rdma:" + host_, 1); }
  bool run_until(const std::function<bool()>& done) override {
    return run_host_loop_until(*loop_, done);
  }
  std::optional<Address> source_address() override {
    const std::string host = test::adapter_source();
    if (host.empty() || host_.starts_with('[')) return std::nullopt;
    return *Address::parse("rdma:" + host, 0);
  }
  // The fields of the InfiniBand connection manager have fixed sizes.
  bool pads_private_data() const override { return true; }

 private:
  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<Transport> transport_;
  const std::string host_;
};

std::unique_ptr<ChannelEnvironment> make(runtime::LoopOptions::Backend backend,
                                         const VerbsOptions& options = {}, bool ipv6 = false) {
  const std::string host = test::adapter_address(ipv6);
  if (host.empty()) return nullptr;
  runtime::LoopOptions loop_options;
  loop_options.backend = backend;
  auto loop = runtime::make_loop(loop_options);
  if (!loop) return nullptr;
  return std::make_unique<VerbsEnvironment>(std::move(*loop), options, host);
}

constexpr auto epoll = runtime::LoopOptions::Backend::epoll;
constexpr auto io_uring = runtime::LoopOptions::Backend::io_uring;

template <auto Change>
std::unique_ptr<ChannelEnvironment> make_with() {
  VerbsOptions options;
  Change(options);
  return make(epoll, options);
}

constexpr auto own_receives = [](VerbsOptions& o) { o.shared_receives = 0; };
constexpr auto few_shared = [](VerbsOptions& o) { o.shared_receives = 40; };
constexpr auto no_inline = [](VerbsOptions& o) { o.inline_bytes = 0; };
constexpr auto one_piece = [](VerbsOptions& o) { o.send_pieces = 1; };
// Asked for a sign of life whenever nothing moves for a moment.
constexpr auto impatient = [](VerbsOptions& o) {
  o.keep_alive_idle = std::chrono::milliseconds(2);
};
constexpr auto short_queue = [](VerbsOptions& o) { o.send_queue = 3; };

INSTANTIATE_TEST_SUITE_P(
    Verbs, ChannelSuite,
    ::testing::Values(
        SuiteParameter{"epoll", [] { return make(epoll); }, test::no_adapter},
        SuiteParameter{"io_uring", [] { return make(io_uring); }, test::no_adapter},
        SuiteParameter{"ipv6", [] { return make(epoll, {}, true); }, test::no_adapter},
        SuiteParameter{"own_receives", &make_with<own_receives>, test::no_adapter},
        SuiteParameter{"few_shared_receives", &make_with<few_shared>, test::no_adapter},
        SuiteParameter{"no_inline", &make_with<no_inline>, test::no_adapter},
        SuiteParameter{"one_piece", &make_with<one_piece>, test::no_adapter},
        SuiteParameter{"keep_alive", &make_with<impatient>, test::no_adapter},
        SuiteParameter{"short_send_queue", &make_with<short_queue>, test::no_adapter}),
    suite_name);

// What is asked is answered: else the connection would end.
TEST(KeepAlive, AnIdleConnectionStays) {
  using std::chrono::milliseconds;
  VerbsOptions options;
  options.keep_alive_idle = milliseconds(20);
  options.answer_timeout = milliseconds(500);
  for (const std::uint32_t reads : {0u, 4u}) {
    const auto environment = make(epoll, options);
    if (environment == nullptr) GTEST_SKIP() << test::no_adapter;
    RecordingListener listening;
    RecordingConnector connecting;
    RecordingEstablished established;
    const auto listener = environment->transport().listen(environment->loop(),
                                                          environment->listen_address(), listening);
    ASSERT_TRUE(listener) << listener.error().text();
    ConnectOptions connect;
    connect.peer = (*listener)->address();
    connect.source = environment->source_address();
    connect.parameters.inbound_reads = reads;
    ChannelParameters accepting;
    accepting.outbound_reads = reads;
    const auto connector =
        environment->transport().connect(environment->loop(), connect, connecting);
    ASSERT_TRUE(environment->run_until([&] { return listening.request != nullptr; }));
    listening.request->accept({}, accepting, environment->loop(), established);
    ASSERT_TRUE(environment->run_until(
        [&] { return connecting.channel != nullptr && established.channel != nullptr; }));
    RecordingHandler at_initiator, at_target;
    connecting.channel->start(at_initiator);
    established.channel->start(at_target);
    const auto until = environment->loop().now() + milliseconds(3000);
    environment->run_until([&] { return environment->loop().now() >= until; });
    EXPECT_FALSE(at_initiator.closed) << at_initiator.reason.text;
    EXPECT_FALSE(at_target.closed) << at_target.reason.text;
    connecting.channel->disconnect("end of test");
    EXPECT_TRUE(environment->run_until([&] { return at_initiator.closed && at_target.closed; }));
  }
}

}  // namespace
}  // namespace srpd::transport
