// The suite that all transports share, on the local one: on one loop, on a perfect network and on
// one with delays.
#include "runtime/simulated_loop.h"
#include "transport/local/local_transport.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport {
namespace {

class LocalEnvironment final : public ChannelEnvironment {
 public:
  explicit LocalEnvironment(const FaultPlan& plan) : transport_(plan) {}
  /// What is on its way holds its connection.
  ~LocalEnvironment() override { simulation_.run_until_idle(); }

  runtime::Loop& loop() override { return loop_; }
  Transport& transport() override { return transport_; }
  Address listen_address() override { return LocalTransport::address("suite"); }
  Address dead_address() override { return LocalTransport::address("nobody"); }
  bool run_until(const std::function<bool()>& done) override {
    return simulation_.run_until(done, simulation_.now() + std::chrono::seconds(30)) || done();
  }

 private:
  runtime::Simulation simulation_{42};
  runtime::SimulatedLoop loop_{simulation_};
  LocalTransport transport_;
};

std::unique_ptr<ChannelEnvironment> perfect() {
  return std::make_unique<LocalEnvironment>(FaultPlan{});
}
std::unique_ptr<ChannelEnvironment> delayed() {
  return std::make_unique<LocalEnvironment>(FaultPlan{.seed = 3,
                                                      .min_delay = std::chrono::microseconds(10),
                                                      .max_delay = std::chrono::milliseconds(2),
                                                      .slow_message_one_in = 20,
                                                      .slow_delay = std::chrono::milliseconds(30)});
}

INSTANTIATE_TEST_SUITE_P(Local, ChannelSuite,
                         testing::Values(SuiteParameter{"perfect", &perfect},
                                         SuiteParameter{"delayed", &delayed}),
                         suite_name);

}  // namespace
}  // namespace srpd::transport
