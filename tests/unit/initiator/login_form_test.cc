// Which private data a connection begins with: an InfiniBand target without IP takes another form
// than all others.
#include <gtest/gtest.h>

#include <vector>

#include "initiator/session.h"
#include "runtime/simulated_loop.h"
#include "srp/login.h"

namespace srpd::initiator {
namespace {

/// Keeps what is asked of it and answers nothing.
class SilentTransport final : public transport::Transport {
 public:
  std::string_view name() const override { return "silent"; }
  Expected<std::unique_ptr<transport::Listener>> listen(runtime::Loop&, const transport::Address&,
                                                        transport::Listener::Handler&) override {
    return failure("listen", "not here");
  }
  std::unique_ptr<transport::Connector> connect(runtime::Loop&,
                                                const transport::ConnectOptions& options,
                                                transport::Connector::Handler&) override {
    asked.assign(options.private_data.begin(), options.private_data.end());
    return std::make_unique<transport::Connector>();
  }
  std::vector<std::byte> asked;
};

struct NoObserver final : Session::Observer {
  void on_up() override {}
  void on_down(const std::string&) override {}
  void on_over(const Error*) override {}
};

std::vector<std::byte> private_data_for(std::string_view address) {
  runtime::Simulation simulation(1);
  runtime::SimulatedLoop loop(simulation);
  SilentTransport transport;
  NoObserver observer;
  SessionOptions options;
  options.address = *transport::Address::parse(address, 5555);
  options.initiator[0] = std::byte{0xfe};
  options.target[15] = std::byte{0xcc};
  Session session(loop, transport, options, observer);
  session.open();
  session.close();
  simulation.run_until_idle();
  return transport.asked;
}

void expect_login(const std::optional<srp::LoginRequest>& login) {
  ASSERT_TRUE(login);
  EXPECT_EQ(login->initiator[0], std::byte{0xfe});
  EXPECT_EQ(login->target[15], std::byte{0xcc});
  EXPECT_EQ(login->max_iu, 68u + 8192u);
  EXPECT_EQ(login->immediate_offset, 68u);
}

TEST(LoginForm, OverIp) {
  for (const char* address : {"192.0.2.1", "rdma:192.0.2.1", "[2001:db8::1]"}) {
    const auto data = private_data_for(address);
    EXPECT_EQ(data.size(), sizeof(wire::srp::LoginReqRdma));
    expect_login(srp::parse_login_rdma(data));
  }
}

TEST(LoginForm, NativeInfiniBand) {
  const auto data = private_data_for("ib:[fe80::2:c903:e:8acd]");
  EXPECT_EQ(data.size(), sizeof(wire::srp::LoginReqIb));
  expect_login(srp::parse_login_ib(data));
}

}  // namespace
}  // namespace srpd::initiator
