// What every transport has to do, as tests over the seam. A transport's own test instantiates it:
//
//   INSTANTIATE_TEST_SUITE_P(Iwarp, ChannelSuite, testing::Values(SuiteParameter{"epoll", &make}),
//                            suite_name);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/loop.h"
#include "transport/transport.h"

namespace srpd::transport {

/// A transport with the loop it runs on.
class ChannelEnvironment {
 public:
  virtual ~ChannelEnvironment() = default;
  virtual runtime::Loop& loop() = 0;
  virtual Transport& transport() = 0;
  /// Where to listen; port 0 for any.
  virtual Address listen_address() = 0;
  /// Where nobody listens.
  virtual Address dead_address() = 0;
  /// Where the initiator connects from, when that is not left to the system.
  virtual std::optional<Address> source_address() { return std::nullopt; }
  /// Private data arrive with zeroes behind them.
  virtual bool pads_private_data() const { return false; }
  /// The ends tell each other how many RDMA Reads they answer.
  virtual bool tells_read_depth() const { return true; }
  /// Runs the loop until `done` or some seconds have passed; the value of `done` then.
  virtual bool run_until(const std::function<bool()>& done) = 0;
};

/// run_until() for loops that run in real time.
bool run_host_loop_until(runtime::Loop& loop, const std::function<bool()>& done);

struct SuiteParameter {
  const char* name;
  std::unique_ptr<ChannelEnvironment> (*make)();  ///< null: not possible here, skip
  const char* why_not = "refused on this machine";
};

inline std::string suite_name(const ::testing::TestParamInfo<SuiteParameter>& info) {
  return info.param.name;
}

/// Keeps what arrives.
struct RecordingHandler final : Channel::Handler {
  void on_iu(Iu& iu) override;
  void on_closed(const CloseReason& why) override;

  Channel* channel = nullptr;
  bool hold = false;  ///< keep the IUs in `held` instead of releasing them
  std::vector<std::string> ius;
  std::vector<Iu*> held;
  std::function<void(Iu&)> also;  ///< called before the IU is released
  bool closed = false;
  CloseReason reason;
};

struct RecordingListener final : Listener::Handler {
  void on_request(std::unique_ptr<ConnectRequest> made) override { request = std::move(made); }
  std::unique_ptr<ConnectRequest> request;
};

struct RecordingConnector final : Connector::Handler {
  void on_connected(std::unique_ptr<Channel> made, std::span<const std::byte> data) override;
  void on_rejected(std::span<const std::byte> data) override;
  void on_failed(const Error& why) override;

  bool finished = false;
  bool rejected = false;
  std::unique_ptr<Channel> channel;
  std::string private_data;
  std::string error;
};

struct RecordingEstablished final : ConnectRequest::Established {
  void on_channel(std::unique_ptr<Channel> made) override { channel = std::move(made); }
  void on_lost(const CloseReason& why) override {
    lost = true;
    reason = why;
  }
  bool lost = false;
  CloseReason reason;
  std::unique_ptr<Channel> channel;
};

/// Works that count their completions.
struct CountedSend : SendWork {
  CountedSend()
      : SendWork([](runtime::Completion& self) { ++static_cast<CountedSend&>(self).completions; }) {
  }
  int completions = 0;
};
struct CountedRead : ReadWork {
  CountedRead()
      : ReadWork([](runtime::Completion& self) { ++static_cast<CountedRead&>(self).completions; }) {
  }
  int completions = 0;
};

std::span<const std::byte> as_bytes(std::string_view text);
std::string as_text(std::span<const std::byte> bytes);
std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed);

class ChannelSuite : public ::testing::TestWithParam<SuiteParameter> {
 protected:
  ChannelSuite();
  ~ChannelSuite() override;
  void SetUp() override;

  bool run_until(const std::function<bool()>& done) { return environment_->run_until(done); }
  void listen();
  void start_connecting(std::string_view private_data = "login");
  /// Both channels, not started.
  void establish();
  /// Both channels, started.
  void connect();
  /// The initiator sends an IU, after which a target may.
  void speak();
  void close();
  void settle();
  /// Private data as they were sent.
  std::string sent_as(std::string arrived) const;

  std::unique_ptr<ChannelEnvironment> environment_;
  ChannelParameters initiator_parameters_;
  ChannelParameters target_parameters_;

  std::unique_ptr<Listener> listener_;
  RecordingListener listening_;
  std::unique_ptr<Connector> connector_;
  RecordingConnector connecting_;
  RecordingEstablished established_;
  std::unique_ptr<Channel> initiator_;
  std::unique_ptr<Channel> target_;
  RecordingHandler at_initiator_;
  RecordingHandler at_target_;
};

}  // namespace srpd::transport
