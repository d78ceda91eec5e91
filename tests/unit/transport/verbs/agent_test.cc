// Our own connection manager at a port that is only pretended: messages come and go by hand, and
// the loop is a real one.
#include "transport/verbs/own_cm/agent.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>

#include "runtime/thread.h"
#include "unit/ibcm/example.h"
#include "unit/transport/channel_suite.h"

namespace srpd::transport::verbs {
namespace {

namespace ib = ibcm::test;
using ibcm::Message;

/// What both ends of a pretended port see.
struct Wire {
  std::deque<ibcm::Mad> arriving;
  std::vector<ibcm::Mad> sent;
  int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool lost = false;
  bool refused = false;
  unsigned open = 0;

  ~Wire() { ::close(event); }
  void arrive(const ibcm::Mad& mad) {
    arriving.push_back(mad);
    ASSERT_EQ(::eventfd_write(event, 1), 0);
  }
  void lose() {
    lost = true;
    ASSERT_EQ(::eventfd_write(event, 1), 0);
  }
};

class PretendedPort final : public MadPort {
 public:
  explicit PretendedPort(Wire& wire) : wire_(wire) { ++wire_.open; }
  ~PretendedPort() override { --wire_.open; }
  int fd() const override { return wire_.event; }
  Received receive(ibcm::Mad& mad, ibcm::ReturnAddress& from) override {
    eventfd_t count = 0;
    static_cast<void>(::eventfd_read(wire_.event, &count));
    if (wire_.lost) return Received::lost;
    if (wire_.arriving.empty()) return Received::nothing;
    mad = wire_.arriving.front();
    wire_.arriving.pop_front();
    from.fill(std::byte{7});
    return Received::mad;
  }
  void send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) override {
    EXPECT_EQ(to[0], std::byte{7});
    wire_.sent.push_back(mad);
  }

 private:
  Wire& wire_;
};

class PretendedPorts final : public MadPorts {
 public:
  explicit PretendedPorts(Wire& wire) : wire_(wire) {}
  std::vector<PortName> all() override { return {{"ibs1", 1, 1}}; }
  Expected<std::unique_ptr<MadPort>> open(const PortName& name) override {
    if (wire_.refused) return failure(name.text(), "somebody else has it");
    return std::make_unique<PretendedPort>(wire_);
  }

 private:
  Wire& wire_;
};

struct Recorder final : CmHandler {
  void on_cm_event(const CmEvent& event) override { events.push_back(event.type); }
  std::vector<rdma_cm_event_type> events;
};

class AgentTest : public ::testing::Test, protected Agent::Service {
 protected:
  AgentTest() {
    runtime::LoopOptions options;
    options.backend = runtime::LoopOptions::Backend::epoll;
    loop_ = std::move(*runtime::make_loop(options));
    agent_ = std::move(*Agent::open(*loop_, ports_, {"ibs1", 1, 1}, 7));
    agent_->add(ib::service, *this);
    sink_->handler = &recorder_;
  }

  void on_request(Agent&, ibcm::Handle handle, const ibcm::Request&) override {
    handle_ = handle;
    ++requests_;
    if (on_request_) on_request_();
  }
  void on_lost(Agent&) override {
    ++lost_;
    agent_.reset();
  }

  bool run_until(const std::function<bool()>& done) { return run_host_loop_until(*loop_, done); }
  void request() {
    wire_.arrive(ib::request());
    ASSERT_TRUE(run_until([&] { return requests_ > 0; }));
  }
  void accepted() {
    request();
    ibcm::Answer answer;
    answer.queue_pair = 0x22;
    agent_->accept(handle_, answer, {std::byte{0xc0}}, *loop_, sink_);
    ASSERT_TRUE(run_until([&] { return !wire_.sent.empty(); }));
  }
  void expect_event(rdma_cm_event_type type) {
    ASSERT_TRUE(run_until([&] { return !recorder_.events.empty(); }));
    EXPECT_EQ(recorder_.events, std::vector{type});
    recorder_.events.clear();
  }

  Wire wire_;
  PretendedPorts ports_{wire_};
  std::unique_ptr<runtime::Loop> loop_;
  std::shared_ptr<Agent> agent_;
  Recorder recorder_;
  std::shared_ptr<EventSink> sink_ = std::make_shared<EventSink>();
  std::function<void()> on_request_;
  ibcm::Handle handle_ = 0;
  unsigned requests_ = 0, lost_ = 0;
};

TEST_F(AgentTest, ConnectionFromRequestToDisconnect) {
  accepted();
  ASSERT_EQ(ib::kind_of(wire_.sent[0]), Message::rep);
  const auto& rep = ib::message_in<wire::cm::ConnectReply>(wire_.sent[0]);
  EXPECT_EQ(rep.private_data[0], std::byte{0xc0});
  wire_.arrive(ib::message(Message::rtu, ib::host_id, handle_));
  expect_event(RDMA_CM_EVENT_ESTABLISHED);
  wire_.sent.clear();
  wire_.arrive(ib::message(Message::dreq, ib::host_id, handle_));
  expect_event(RDMA_CM_EVENT_DISCONNECTED);
  ASSERT_EQ(wire_.sent.size(), 1u);
  EXPECT_EQ(ib::kind_of(wire_.sent[0]), Message::drep);
}

TEST_F(AgentTest, ReplyIsRepeatedInRealTime) {
  accepted();
  EXPECT_TRUE(run_until([&] { return wire_.sent.size() >= 2; }));
  agent_->data_arrived(handle_);
  expect_event(RDMA_CM_EVENT_ESTABLISHED);
}

TEST_F(AgentTest, PeerThatGoesBeforeTheDecisionIsNoticedByWhoAccepts) {
  request();
  wire_.arrive(ib::message(Message::rej, ib::host_id, 0));
  ASSERT_TRUE(run_until([&] { return wire_.arriving.empty(); }));
  agent_->accept(handle_, {}, {}, *loop_, sink_);
  expect_event(RDMA_CM_EVENT_DISCONNECTED);
  EXPECT_TRUE(wire_.sent.empty());
}

TEST_F(AgentTest, OwnersDecideInsideTheCall) {
  on_request_ = [&] { agent_->reject(handle_, ibcm::Reason::consumer_defined, {}); };
  request();
  ASSERT_EQ(wire_.sent.size(), 1u);
  EXPECT_EQ(ib::message_in<wire::cm::Reject>(wire_.sent[0]).reason, 28);
}

TEST_F(AgentTest, WhoLetsGoOfAConnectionTellsThePeer) {
  accepted();
  wire_.sent.clear();
  agent_->disconnect(handle_);
  ASSERT_TRUE(run_until([&] { return !wire_.sent.empty(); }));
  EXPECT_EQ(ib::kind_of(wire_.sent[0]), Message::dreq);
  wire_.arrive(ib::message(Message::dreq, ib::host_id, handle_));
  ASSERT_TRUE(run_until([&] { return wire_.arriving.empty(); }));
  EXPECT_TRUE(recorder_.events.empty());
}

TEST_F(AgentTest, PortThatGoesEndsConnectionsAndIsLetGoOf) {
  accepted();
  wire_.lose();
  expect_event(RDMA_CM_EVENT_DEVICE_REMOVAL);
  EXPECT_EQ(lost_, 1u);
  EXPECT_EQ(agent_, nullptr);
  EXPECT_EQ(wire_.open, 0u);
}

TEST_F(AgentTest, ServiceThatIsRemovedIsUnknown) {
  agent_->remove(ib::service);
  wire_.arrive(ib::request());
  ASSERT_TRUE(run_until([&] { return !wire_.sent.empty(); }));
  EXPECT_EQ(ib::message_in<wire::cm::Reject>(wire_.sent[0]).reason, 8);
  EXPECT_EQ(requests_, 0u);
}

TEST_F(AgentTest, PortOfSomebodyElseIsRefused) {
  wire_.refused = true;
  const auto agent = Agent::open(*loop_, ports_, {"ibs1", 1, 1}, 7);
  ASSERT_FALSE(agent);
  EXPECT_EQ(agent.error().text(), "ibs1 port 1: somebody else has it");
}

TEST_F(AgentTest, IsLetGoOfOnAnotherThread) {
  auto thread = runtime::LoopThread::start({.name = "other", .cpu = {}, .loop = {}});
  ASSERT_TRUE(thread);
  runtime::run_on((*thread)->loop(), [&] { agent_.reset(); });
  EXPECT_TRUE(run_until([&] { return wire_.open == 0; }));
}

TEST(InfinibandPorts, OfTheirFolder) {
  namespace fs = std::filesystem;
  std::string name = ::testing::TempDir() + "srpd-ports-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const fs::path folder = name;
  const auto add = [&](const std::string& device, const std::string& number, const char* layer) {
    fs::create_directories(folder / device / "ports" / number);
    std::ofstream(folder / device / "ports" / number / "link_layer") << layer << '\n';
  };
  add("mlx4_0", "1", "InfiniBand");
  add("mlx4_0", "2", "InfiniBand");
  add("rxe0", "1", "Ethernet");
  const auto found = infiniband_ports(folder);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text(), "mlx4_0 port 1");
  EXPECT_EQ(found[1].text(), "mlx4_0 port 2");
  // The same name again is not the same device.
  fs::rename(folder / "mlx4_0", folder / "old");
  add("mlx4_0", "1", "InfiniBand");
  fs::remove_all(folder / "old");
  ASSERT_EQ(infiniband_ports(folder).size(), 1u);
  EXPECT_NE(infiniband_ports(folder)[0], found[0]);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace srpd::transport::verbs
