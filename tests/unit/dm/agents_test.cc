// The agent of a port, and the thread that keeps one at every port, on a fabric that is only
// pretended.
#include "dm/agents.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "dm/port_agent.h"
#include "unit/discovery/example.h"

namespace srpd::dm {
namespace {

using namespace std::chrono_literals;
using discovery::Mad;

const Offer one{{{0xa, 0xa, 0x13f5555}}};
const Offer two{{{0xa, 0xa, 0x13f5555}, {0xb, 0xb, 0x13f5555}}};

/// What a test sees of a fabric that another thread uses.
struct Pretended {
  std::mutex mutex;
  std::vector<Port> ports;
  std::map<std::string, std::deque<Mad>> requests, replies;  // by device
  std::map<std::string, int> open_links, announced, events;
  bool refuse = false;
  unsigned refusals = 0;

  void add(const std::string& device, std::uint32_t capability_mask = 0) {
    const std::lock_guard lock(mutex);
    Port port;
    port.device = device;
    port.capability_mask = capability_mask;
    ports.push_back(port);
  }
  void arrive(const std::string& device, const Mad& mad) {
    const std::lock_guard lock(mutex);
    requests[device].push_back(mad);
    ASSERT_EQ(::eventfd_write(events[device], 1), 0);
  }
  void ask(const std::string& device, const discovery::Question& question) {
    arrive(device, discovery::request_mad(question, 1));
  }
};

class PretendedLink final : public Link {
 public:
  PretendedLink(Pretended& shared, std::string device)
      : shared_(shared), device_(std::move(device)) {
    event_ = ::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
    shared_.events[device_] = event_;
    ++shared_.open_links[device_];
  }
  ~PretendedLink() override {
    ::close(event_);
    const std::lock_guard lock(shared_.mutex);
    --shared_.open_links[device_];
  }
  int fd() const override { return event_; }
  Received receive(Mad& mad) override {
    const std::lock_guard lock(shared_.mutex);
    auto& queue = shared_.requests[device_];
    eventfd_t one_event = 0;
    if (::eventfd_read(event_, &one_event) != 0 || queue.empty()) return Received::nothing;
    mad = queue.front();
    queue.pop_front();
    return Received::mad;
  }
  Expected<void> reply(const Mad& mad) override {
    const std::lock_guard lock(shared_.mutex);
    shared_.replies[device_].push_back(mad);
    return {};
  }
  Expected<void> announce(const Port& port) override {
    const std::lock_guard lock(shared_.mutex);
    ++shared_.announced[port.device];
    return {};
  }

 private:
  Pretended& shared_;
  std::string device_;
  int event_ = -1;
};

class PretendedFabric final : public Fabric {
 public:
  explicit PretendedFabric(Pretended& shared) : shared_(shared) {}
  std::vector<Port> ports() override {
    const std::lock_guard lock(shared_.mutex);
    return shared_.ports;
  }
  Expected<std::unique_ptr<Link>> open(const Port& port) override {
    const std::lock_guard lock(shared_.mutex);
    if (shared_.refuse) {
      ++shared_.refusals;
      return failure(port.text(), "another agent");
    }
    return std::make_unique<PretendedLink>(shared_, port.device);
  }
  discovery::Hardware hardware(const std::string&) override { return test::wiki_hardware; }

 private:
  Pretended& shared_;
};

/// Whether `condition` under the lock comes true soon. The thread under test runs on real time.
bool soon(Pretended& shared, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < deadline) {
    {
      const std::lock_guard lock(shared.mutex);
      if (condition()) return true;
    }
    std::this_thread::yield();
  }
  return false;
}

TEST(PortAgent, AnswersFromWhatIsServed) {
  Pretended shared;
  PretendedFabric fabric(shared);
  shared.add("ibs1");
  PortAgent agent(fabric, shared.ports[0]);
  agent.refresh(shared.ports[0], one);
  EXPECT_EQ(agent.unit(), test::unit_of(one.ports));
  shared.ask("ibs1", discovery::ask_io_unit());
  agent.answer();
  ASSERT_EQ(shared.replies["ibs1"].size(), 1u);
  EXPECT_TRUE(
      discovery::parse_response_mad(shared.replies["ibs1"][0], discovery::ask_io_unit(), 1));
}

TEST(PortAgent, DoesNotReplyToAResponse) {
  Pretended shared;
  PretendedFabric fabric(shared);
  shared.add("ibs1");
  PortAgent agent(fabric, shared.ports[0]);
  agent.refresh(shared.ports[0], one);
  Mad response = discovery::request_mad(discovery::ask_io_unit(), 1);
  response[3] = std::byte{0x81};
  shared.arrive("ibs1", response);
  agent.answer();
  EXPECT_TRUE(shared.requests["ibs1"].empty());
  EXPECT_TRUE(shared.replies["ibs1"].empty());
}

TEST(PortAgent, AnnouncesChangesOnly) {
  Pretended shared;
  PretendedFabric fabric(shared);
  shared.add("ibs1");
  PortAgent agent(fabric, shared.ports[0]);
  agent.refresh(shared.ports[0], one);
  EXPECT_EQ(shared.announced["ibs1"], 1);
  agent.refresh(shared.ports[0], one);
  EXPECT_EQ(shared.announced["ibs1"], 1);
  agent.refresh(shared.ports[0], two);
  EXPECT_EQ(shared.announced["ibs1"], 2);
  EXPECT_EQ(agent.unit().change_id, 2);
}

TEST(PortAgent, SaysOnceThatItIsRefusedAndTriesAgain) {
  Pretended shared;
  PretendedFabric fabric(shared);
  shared.add("ibs1");
  shared.refuse = true;
  PortAgent agent(fabric, shared.ports[0]);
  testing::internal::CaptureStderr();
  agent.refresh(shared.ports[0], one);
  agent.refresh(shared.ports[0], one);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(agent.fd(), -1);
  EXPECT_EQ(shared.refusals, 2u);
  EXPECT_NE(log.find("ibs1 port 1: another agent"), std::string::npos) << log;
  EXPECT_EQ(log.find("another agent"), log.rfind("another agent")) << log;
  shared.refuse = false;
  agent.refresh(shared.ports[0], one);
  EXPECT_GE(agent.fd(), 0);
}

TEST(PortAgent, SaysHowToLogInWithoutTheCapability) {
  Pretended shared;
  PretendedFabric fabric(shared);
  shared.add("ibs1");
  Port& port = shared.ports[0];
  PortAgent agent(fabric, port);
  testing::internal::CaptureStderr();
  agent.refresh(port, one);
  agent.refresh(port, one);
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string line =
      "echo id_ext=000000000000000a,ioc_guid=000000000000000a,"
      "dgid=00000000000000000000000000000000,pkey=ffff,service_id=00000000013f5555 > ";
  EXPECT_NE(log.find(line), std::string::npos) << log;
  EXPECT_EQ(log.find(line), log.rfind(line)) << log;
  port.capability_mask = is_device_management_supported;
  testing::internal::CaptureStderr();
  agent.refresh(port, one);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("is set"), std::string::npos);
}

TEST(Agents, FollowPortsThatComeAndGo) {
  Pretended shared;
  shared.add("ibs1");
  Agents agents(std::make_unique<PretendedFabric>(shared), one);
  EXPECT_TRUE(soon(shared, [&] { return shared.open_links["ibs1"] == 1; }));
  shared.add("ibs2");
  EXPECT_TRUE(soon(shared, [&] { return shared.open_links["ibs2"] == 1; }));
  {
    const std::lock_guard lock(shared.mutex);
    shared.ports.erase(shared.ports.begin());
  }
  EXPECT_TRUE(soon(shared, [&] { return shared.open_links["ibs1"] == 0; }));
  shared.ask("ibs2", discovery::ask_io_unit());
  EXPECT_TRUE(soon(shared, [&] { return shared.replies["ibs2"].size() == 1; }));
}

TEST(Agents, ServeSomethingElse) {
  Pretended shared;
  shared.add("ibs1");
  Agents agents(std::make_unique<PretendedFabric>(shared), one);
  EXPECT_TRUE(soon(shared, [&] { return shared.announced["ibs1"] == 1; }));
  agents.serve(two);
  EXPECT_TRUE(soon(shared, [&] { return shared.announced["ibs1"] == 2; }));
}

TEST(Agents, EndWithoutPorts) {
  Pretended shared;
  const auto start = std::chrono::steady_clock::now();
  {
    Agents agents(std::make_unique<PretendedFabric>(shared), one);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

}  // namespace
}  // namespace srpd::dm
