// Software iWARP against the suite of all transports, on both kinds of loop and with every variant
// of the protocol that both ends can agree on.
#include "runtime/loop.h"
#include "transport/iwarp/transport.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport {
namespace {

using iwarp::IwarpOptions;

class IwarpEnvironment final : public ChannelEnvironment {
 public:
  IwarpEnvironment(std::unique_ptr<runtime::Loop> loop, const IwarpOptions& options,
                   const char* host)
      : loop_(std::move(loop)),
        transport_(iwarp::make_transport(options)),
        host_(host),
        enhanced_(options.mpa_revision > 1) {}

  runtime::Loop& loop() override { return *loop_; }
  Transport& transport() override { return *transport_; }
  Address listen_address() override { return *Address::parse(host_, 0); }
  Address dead_address() override { return *Address::parse("127.0.0.1", 1); }
  bool run_until(const std::function<bool()>& done) override {
    return run_host_loop_until(*loop_, done);
  }
  // Only the enhanced connection establishment of RFC 6581 does.
  bool tells_read_depth() const override { return enhanced_; }

 private:
  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<Transport> transport_;
  const char* host_;
  const bool enhanced_;
};

std::unique_ptr<ChannelEnvironment> make(runtime::LoopOptions::Backend backend,
                                         const IwarpOptions& options = {},
                                         const char* host = "127.0.0.1") {
  runtime::LoopOptions loop_options;
  loop_options.backend = backend;
  auto loop = runtime::make_loop(loop_options);
  if (!loop) return nullptr;
  return std::make_unique<IwarpEnvironment>(std::move(*loop), options, host);
}

constexpr auto epoll = runtime::LoopOptions::Backend::epoll;
constexpr auto io_uring = runtime::LoopOptions::Backend::io_uring;

template <auto Change>
std::unique_ptr<ChannelEnvironment> make_with() {
  IwarpOptions options;
  Change(options);
  return make(epoll, options);
}

constexpr auto crc = [](IwarpOptions& o) { o.crc = true; };
constexpr auto revision1 = [](IwarpOptions& o) { o.mpa_revision = 1; };
constexpr auto rtr_write = [](IwarpOptions& o) { o.offer_rtr_write = o.offer_rtr_read = true; };
constexpr auto rtr_read = [](IwarpOptions& o) { o.offer_rtr_read = true; };
constexpr auto hardware_like = [](IwarpOptions& o) { o.crc = o.offer_rtr_write = true; };
constexpr auto fpdu64 = [](IwarpOptions& o) { o.max_fpdu = 64; };
constexpr auto fpdu1400 = [](IwarpOptions& o) {
  o.max_fpdu = 1400;
  o.crc = true;
};

INSTANTIATE_TEST_SUITE_P(
    Iwarp, ChannelSuite,
    ::testing::Values(SuiteParameter{"epoll", [] { return make(epoll); }},
                      SuiteParameter{"io_uring", [] { return make(io_uring); }},
                      SuiteParameter{"ipv6", [] { return make(epoll, {}, "[::1]"); }},
                      SuiteParameter{"crc", &make_with<crc>},
                      SuiteParameter{"revision1", &make_with<revision1>},
                      SuiteParameter{"rtr_write", &make_with<rtr_write>},
                      SuiteParameter{"rtr_read", &make_with<rtr_read>},
                      SuiteParameter{"hardware_like", &make_with<hardware_like>},
                      SuiteParameter{"fpdu64", &make_with<fpdu64>},
                      SuiteParameter{"fpdu1400", &make_with<fpdu1400>}),
    suite_name);

}  // namespace
}  // namespace srpd::transport
