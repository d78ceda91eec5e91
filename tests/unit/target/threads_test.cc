// The engine on real loops in threads of their own, over the in-process transport: several nexuses
// with several channels each, resets across all loops under load, and a shutdown in the midst of
// it. Meant for the thread sanitizer as much as for what it checks itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/thread.h"
#include "scsi/lu.h"
#include "srp/iu.h"
#include "srp/login.h"
#include "support/held_store.h"
#include "target/bound.h"
#include "target/target.h"
#include "transport/local/local_transport.h"

namespace srpd::test {
namespace {

constexpr std::uint32_t block = 512;
constexpr int depth = 8;

/// One channel of a host that writes and reads back its own blocks. On its loop.
class Client final : public transport::Connector::Handler, public transport::Channel::Handler {
 public:
  Client(runtime::Loop& loop, transport::Transport& transport, std::uint8_t nexus,
         std::uint32_t number, bool single, std::uint32_t lun = 0)
      : loop_(loop), transport_(transport), number_(number), lun_(scsi::encode_lun(lun)) {
    srp::LoginRequest login;
    login.max_iu = 8260;
    login.initiator[15] = std::byte{nexus};
    login.flags = single ? wire::srp::multi_channel_single : wire::srp::multi_channel_multi;
    login_ = srp::build_login_rdma(login);
    for (std::uint32_t i = 0; i < depth; ++i) slots_.push_back(std::make_unique<Slot>(*this, i));
  }

  void connect() {
    transport::ConnectOptions options;
    options.peer = transport::LocalTransport::address("target");
    options.private_data = wire::bytes_of(login_);
    options.parameters.inbound_reads = 4;
    connector_ = transport_.connect(loop_, options, *this);
  }

  void on_connected(std::unique_ptr<transport::Channel> channel,
                    std::span<const std::byte>) override {
    channel_ = std::move(channel);
    channel_->start(*this);
    for (auto& slot : slots_) slot->begin();
    up = true;
  }
  void on_rejected(std::span<const std::byte>) override { failed = true; }
  void on_failed(const Error&) override { failed = true; }

  void on_iu(transport::Iu& iu) override {
    if (const auto response = srp::parse_rsp(iu.bytes()); response && response->code)
      ++resets_answered;
    else if (response)
      slots_[wire::srp::to_integer(response->tag) % depth]->answered(*response);
    channel_->release(iu);
  }
  void on_closed(const transport::CloseReason&) override { closed = true; }

  void reset_lun() {
    if (closed) return;
    srp::TaskManagement request;
    request.function = srp::TaskFunction::lun_reset;
    reset_iu_ = srp::build_tsk_mgmt(request);
    // Its completion may come later than the answer: each has its own.
    resets_.push_back(std::make_unique<transport::SendWork>([](runtime::Completion&) {}));
    resets_.back()->iu = wire::bytes_of(reset_iu_);
    channel_->send(*resets_.back());
  }
  void destroy() {
    connector_.reset();
    channel_.reset();
  }

  std::atomic<bool> up{false}, failed{false}, closed{false}, wrong{false};
  std::atomic<int> rounds{0}, resets_answered{0};

 private:
  struct Slot {
    Slot(Client& owner, std::uint32_t number) : client(owner), index(number) {}
    void begin() {
      keys[0] = client.channel_->expose(out, transport::Access::remote_read);
      keys[1] = client.channel_->expose(in, transport::Access::remote_write);
      issue(0x2a);
    }
    void issue(std::uint8_t opcode) {
      writing = opcode == 0x2a;
      if (writing) out.fill(static_cast<std::byte>(++pattern));
      std::array<std::byte, 10> cdb{std::byte{opcode}};
      const wire::be32 lba = (client.number_ * depth + index) * 8;
      std::memcpy(&cdb[2], &lba, 4);
      cdb[8] = std::byte{8};
      const auto& key = keys[writing ? 0 : 1];
      const wire::srp::MemoryDescriptor descriptor{key.address, key.key, 8 * block};
      srp::CommandSpec spec;
      spec.tag = wire::srp::to_tag(index + depth * std::uint64_t{++generation});
      spec.lun = client.lun_;
      spec.cdb = cdb;
      (writing ? spec.data_out : spec.data_in) = {srp::Format::direct, {&descriptor, 1}, {}, 0};
      sent = got = false;
      work.reset();
      work.iu = std::span(iu).first(srp::build_cmd(spec, iu));
      client.channel_->send(work);
    }
    void answered(const srp::Response& response) {
      if (response.tag != wire::srp::to_tag(index + depth * std::uint64_t{generation}))
        client.wrong = true;
      status = response.status;
      got = true;
      go_on();
    }
    void on_sent(int) {
      sent = true;
      go_on();
    }
    // The IU's memory is free once it is sent, which may be known later than the answer.
    void go_on() {
      if (!sent || !got || client.closed) return;
      // Unit attentions and TASK ABORTED: again, from the write on.
      if (status != 0) return issue(0x2a);
      if (writing) return issue(0x28);
      if (in != out) client.wrong = true;
      ++client.rounds;
      issue(0x2a);
    }

    Client& client;
    const std::uint32_t index;
    std::uint32_t generation = 0;
    std::uint8_t pattern = 0;
    bool writing = false;
    bool sent = false;
    bool got = false;
    std::uint8_t status = 0;
    std::array<transport::RemoteSegment, 2> keys;
    std::array<std::byte, 8 * block> out{}, in{};
    std::array<std::byte, 128> iu;
    target::BoundWork<transport::SendWork, Slot, &Slot::on_sent> work{*this};
  };

  runtime::Loop& loop_;
  transport::Transport& transport_;
  const std::uint32_t number_;
  const std::uint64_t lun_;
  wire::srp::LoginReqRdma login_;
  std::unique_ptr<transport::Connector> connector_;
  std::unique_ptr<transport::Channel> channel_;
  std::vector<std::unique_ptr<Slot>> slots_;
  wire::srp::TskMgmt reset_iu_;
  std::vector<std::unique_ptr<transport::SendWork>> resets_;
};

class Threads : public testing::Test {
 protected:
  Threads() {
    for (int i = 0; i < 3; ++i) {
      auto thread = runtime::LoopThread::start({});
      EXPECT_TRUE(thread.has_value());
      threads_.push_back(std::move(*thread));
    }
  }
  runtime::Loop& loop(std::size_t index) { return threads_[index % 3]->loop(); }
  template <class Function>
  void on(std::size_t index, Function function) {
    runtime::run_on(loop(index), function);
  }
  template <class Condition>
  bool eventually(Condition condition) {
    for (int i = 0; i < 3000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  static std::shared_ptr<scsi::Lu> make_unit(const std::string& name) {
    auto store = std::make_unique<HeldStore>(4 << 20);
    const auto attributes = scsi::default_attributes(store->properties());
    scsi::LuIdentity identity;
    identity.name = identity.unit_serial = name;
    return std::make_shared<scsi::Lu>(identity, attributes, std::move(store));
  }
  std::unique_ptr<target::Target> make_target() {
    return std::make_unique<target::Target>(
        std::vector<runtime::Loop*>{&loop(0), &loop(1), &loop(2)}, target::TargetOptions{});
  }
  void shut_down(target::Target& target) {
    std::promise<void> done;
    on(0, [&] { target.shutdown([&] { done.set_value(); }); });
    done.get_future().wait();
  }

  std::vector<std::unique_ptr<runtime::LoopThread>> threads_;
};

TEST_F(Threads, ResetsAndShutdownUnderLoad) {
  transport::LocalTransport transport;
  const auto lu = make_unit("disk");
  target::PortDescription port;
  port.open = true;
  port.luns.push_back({.number = 0, .lu = lu, .write_protected = false});
  std::unique_ptr<target::Target> target;
  on(0, [&] {
    target = make_target();
    EXPECT_TRUE(target->add_port(port).has_value());
    EXPECT_TRUE(
        target->listen(transport, transport::LocalTransport::address("target")).has_value());
  });

  // Two nexuses of three channels; the first channel of each logs in alone.
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint32_t i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>(
        loop(i), transport, static_cast<std::uint8_t>(1 + i / 3), i, i % 3 == 0));
    Client& client = *clients.back();
    on(i, [&] { client.connect(); });
    ASSERT_TRUE(eventually([&] { return client.up || client.failed; }));
    ASSERT_TRUE(client.up);
  }
  EXPECT_TRUE(eventually([&] {
    return std::all_of(clients.begin(), clients.end(),
                       [](const auto& client) { return client->rounds >= 200; });
  }));
  // The first nexus loses its commands by this; the second is told and goes on.
  for (int i = 0; i < 10; ++i) {
    on(0, [&] { clients[0]->reset_lun(); });
    EXPECT_TRUE(eventually([&] { return clients[0]->resets_answered > i; }));
  }
  for (std::size_t i = 3; i < 6; ++i) {
    const int before = clients[i]->rounds;
    EXPECT_TRUE(eventually([&] { return clients[i]->rounds > before; }));
  }
  std::promise<std::size_t> listed;
  on(0, [&] { target->list_sessions([&](auto infos) { listed.set_value(infos.size()); }); });
  EXPECT_EQ(listed.get_future().get(), 6u);

  shut_down(*target);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_TRUE(eventually([&] { return clients[i]->closed.load(); }));
    EXPECT_FALSE(clients[i]->wrong);
    on(i, [&] { clients[i]->destroy(); });
  }
  on(0, [&] { target.reset(); });
}

// One nexus works on LUN 0 all the time; the LUN of the other one goes and comes.
TEST_F(Threads, LunsChangeUnderLoad) {
  transport::LocalTransport transport;
  const auto kept = make_unit("kept"), changing = make_unit("changing");
  target::PortDescription description;
  description.open = true;
  description.luns = {{0, kept, false}, {1, changing, false}};
  std::unique_ptr<target::Target> target;
  target::PortHandle port{};
  on(0, [&] {
    target = make_target();
    port = target->add_port(description).value();
    EXPECT_TRUE(
        target->listen(transport, transport::LocalTransport::address("target")).has_value());
  });
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint32_t i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>(
        loop(i), transport, static_cast<std::uint8_t>(1 + i / 3), i, i % 3 == 0, i / 3));
    Client& client = *clients.back();
    on(i, [&] { client.connect(); });
    ASSERT_TRUE(eventually([&] { return client.up || client.failed; }));
    ASSERT_TRUE(client.up);
  }
  for (int i = 0; i < 25; ++i) {
    std::promise<bool> removed;
    on(0, [&] {
      EXPECT_TRUE(
          target->remove_lun(port, 1, [&](bool held) { removed.set_value(held); }).has_value());
      scsi::LuAttributes attributes = kept->attributes();
      attributes.is_nonrot = !attributes.is_nonrot;
      kept->change_attributes(attributes);
    });
    EXPECT_FALSE(removed.get_future().get());
    on(0, [&] { EXPECT_TRUE(target->add_lun(port, {1, changing, false}).has_value()); });
    EXPECT_GT(kept->io_count().commands, 0u);
  }
  for (const auto& client : clients) {
    const int before = client->rounds;
    EXPECT_TRUE(eventually([&] { return client->rounds > before; }));
  }
  shut_down(*target);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_TRUE(eventually([&] { return clients[i]->closed.load(); }));
    EXPECT_FALSE(clients[i]->wrong);
    on(i, [&] { clients[i]->destroy(); });
  }
  on(0, [&] { target.reset(); });
  description.luns.clear();
  EXPECT_EQ(changing.use_count(), 1);
}

}  // namespace
}  // namespace srpd::test
