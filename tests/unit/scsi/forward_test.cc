// Units that are SCSI devices themselves: what reaches the device, what reaches the host, and what
// is answered here.
#include "scsi/forward.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "store/pass_through.h"
#include "support/in_process_device.h"

namespace srpd::scsi {
namespace {

using store::ScsiOperation;
using test::Bytes;
using test::bytes;
using test::ScsiReply;
using test::TestCommand;
using Direction = ScsiOperation::Direction;

/// A device whose answers the test gives.
class FakeDevice final : public store::Backstore, public store::PassThrough {
 public:
  const store::Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return 0; }
  std::string description() const override { return "device of a test"; }
  void submit(runtime::Loop&, store::Operation& operation) override {
    operation.complete(-EOPNOTSUPP);
  }
  PassThrough* pass_through() override { return this; }
  const Identity& identity() const override { return identity_; }
  void submit(runtime::Loop&, ScsiOperation& operation) override {
    ++commands;
    cdb.assign(operation.cdb.begin(), operation.cdb.end());
    direction = operation.direction;
    data_out.clear();
    if (direction == Direction::out) data_out.assign(operation.data.begin(), operation.data.end());
    if (hold) {
      held.push_back(&operation);
    } else {
      operation.complete(answer ? answer(operation) : 0);
    }
  }
  void cancel(ScsiOperation& operation) override { cancelled.push_back(&operation); }

  void release(int result) {
    for (ScsiOperation* const operation : std::exchange(held, {})) operation->complete(result);
  }

  store::Properties properties_{.plugin = "pscsi", .product = ""};
  Identity identity_;
  std::function<int(ScsiOperation&)> answer;
  bool hold = false;
  std::vector<ScsiOperation*> held, cancelled;
  int commands = 0;
  Bytes cdb, data_out;
  Direction direction = Direction::none;
};

class ForwardTest : public testing::Test {
 protected:
  ForwardTest() {
    port_.name = "0xdeea7be2967200000000000000000000";
    auto owned = std::make_unique<FakeDevice>();
    device_ = owned.get();
    device_->properties_.max_transfer_bytes = 65536;
    lu_ = std::make_shared<Lu>(LuIdentity{.name = "pt0", .unit_serial = "2000"},
                               default_attributes(device_->properties_), std::move(owned));
    host_ = std::make_unique<test::Host>(loop_, lu_, port_, test::InProcessOptions{});
    host_->itl().unit_attentions.store(0);
  }
  ~ForwardTest() override { EXPECT_EQ(loop_.buffers().lent_bytes(), 0u); }

  ScsiReply execute(test::Host& from, const test::ScsiRequest& request) {
    from.command.prepare(request, from.lun);
    from.command.submit();
    if (from.command.completions == 0) simulation_.run_until_idle();
    const ScsiReply reply = from.command.reply();
    from.command.finish();
    return reply;
  }
  ScsiReply execute(const test::ScsiRequest& request) { return execute(*host_, request); }

  /// Fills data-in, leaving `residual` of it alone.
  void answer_with(const Bytes& data, std::uint32_t residual = 0) {
    device_->answer = [data, residual](ScsiOperation& operation) {
      std::copy_n(data.begin(), std::min(data.size(), operation.data.size()),
                  operation.data.begin());
      operation.residual = residual;
      return 0;
    };
  }
  void answer_with_sense(const Bytes& sense, const Bytes& data = {}) {
    device_->answer = [sense, data](ScsiOperation& operation) {
      std::ranges::copy(sense, operation.sense.begin());
      std::ranges::copy(data, operation.data.begin());
      operation.residual = static_cast<std::uint32_t>(operation.data.size() - data.size());
      operation.status = 0x02;
      operation.sense_length = static_cast<std::uint32_t>(sense.size());
      return 0;
    };
  }

  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
  TargetPort port_;
  FakeDevice* device_;
  std::shared_ptr<Lu> lu_;
  std::unique_ptr<test::Host> host_;
};

const Bytes test_unit_ready = bytes({0x00, 0, 0, 0, 0, 0});
const Bytes inquiry = bytes({0x12, 0, 0, 0, 96, 0});

TEST_F(ForwardTest, CommandsGoAsTheyAre) {
  EXPECT_TRUE(execute({.cdb = test_unit_ready}).good());
  EXPECT_EQ(device_->cdb, test_unit_ready);
  EXPECT_EQ(device_->direction, Direction::none);
  // An operation code that no disk of ours knows, reserved bits set: the device's business.
  const Bytes position = bytes({0x34, 0xff, 0, 0, 0, 0, 0, 0, 20, 0});
  EXPECT_TRUE(execute({.cdb = position, .data_in_length = 20}).good());
  EXPECT_EQ(device_->cdb, position);
  Bytes long_cdb = bytes({0x7f, 0, 0, 0, 0, 0, 0, 0x18});
  long_cdb.resize(32);
  EXPECT_TRUE(execute({.cdb = long_cdb}).good());
  EXPECT_EQ(device_->cdb.size(), 32u);
  for (const unsigned vendor : {0xc0u, 0xe0u}) {
    EXPECT_TRUE(execute({.cdb = bytes({vendor})}).good());
    EXPECT_EQ(device_->cdb.size(), 10u);
  }
}

TEST_F(ForwardTest, DataInAndItsResidual) {
  const Bytes data = test::pattern(96, 1);
  answer_with(data, 60);
  const ScsiReply reply = execute({.cdb = inquiry, .data_in_length = 96});
  EXPECT_TRUE(reply.good());
  EXPECT_EQ(reply.data_in, Bytes(data.begin(), data.begin() + 36));
  EXPECT_EQ(reply.residual_in, -60);
  EXPECT_EQ(device_->direction, Direction::in);
}

// A device that fills less than it says shows nothing of what was in the memory before.
TEST_F(ForwardTest, MemoryOfOthersStaysSecret) {
  const Bytes secret = test::pattern(4096, 9);
  EXPECT_TRUE(execute({.cdb = bytes({0x0a, 0, 0, 0, 8, 0}), .data_out = secret}).good());
  answer_with({});
  const ScsiReply reply = execute({.cdb = bytes({0x08, 0, 0, 0, 8, 0}), .data_in_length = 4096});
  EXPECT_EQ(reply.data_in, Bytes(4096));
}

TEST_F(ForwardTest, DataOutHowEverItArrives) {
  const Bytes data = test::pattern(20000, 2);
  for (const auto arrival : {TestCommand::Arrival::immediate, TestCommand::Arrival::fetched,
                             TestCommand::Arrival::fetched_later}) {
    host_->command.arrival = arrival;
    const ScsiReply reply = execute({.cdb = bytes({0x0a, 1, 0, 0, 0, 0}), .data_out = data});
    EXPECT_TRUE(reply.good());
    EXPECT_EQ(device_->data_out, data);
    EXPECT_EQ(reply.moved_out, data.size());
    EXPECT_EQ(reply.residual_out, 0);
  }
}

TEST_F(ForwardTest, SenseDataStayTheDevices) {
  const Bytes sense = bytes({0x72, 0x03, 0x11, 0x01, 0, 0, 0, 4, 0x80, 2, 0xab, 0xcd});
  answer_with_sense(sense);
  const ScsiReply reply = execute({.cdb = bytes({0x08, 0, 0, 0, 1, 0}), .data_in_length = 512});
  EXPECT_EQ(reply.status, 0x02);
  EXPECT_EQ(reply.sense, sense);
  EXPECT_EQ(reply.residual_in, -512);
}

// A tape that read a short block returns it together with CHECK CONDITION and ILI.
TEST_F(ForwardTest, DataAndCheckConditionTogether) {
  Bytes sense = bytes({0xf0, 0, 0x20, 0, 0, 0, 100, 10});
  sense.resize(18);
  const Bytes data = test::pattern(412, 3);
  answer_with_sense(sense, data);
  const ScsiReply reply = execute({.cdb = bytes({0x08, 0, 0, 2, 0, 0}), .data_in_length = 512});
  EXPECT_EQ(reply.status, 0x02);
  EXPECT_EQ(reply.sense, sense);
  EXPECT_EQ(reply.data_in, data);
  EXPECT_EQ(reply.residual_in, -100);
}

TEST_F(ForwardTest, EveryStatusIsHandedOn) {
  for (const unsigned status : {0x04u, 0x08u, 0x18u, 0x28u, 0x30u, 0x40u}) {
    device_->answer = [status](ScsiOperation& operation) {
      operation.status = static_cast<std::uint8_t>(status);
      return 0;
    };
    EXPECT_EQ(execute({.cdb = test_unit_ready}).status, status);
  }
  device_->answer = [](ScsiOperation& operation) {
    operation.status = 0x02;  // without sense data
    return 0;
  };
  EXPECT_EQ(execute({.cdb = test_unit_ready}).decoded().code, 0x4400);
}

TEST_F(ForwardTest, WhatKeptTheDeviceFromAnswering) {
  const auto code_of = [&](int result) {
    device_->answer = [result](ScsiOperation&) { return result; };
    return execute({.cdb = test_unit_ready}).decoded().code;
  };
  EXPECT_EQ(code_of(-ENODEV), 0x0412);
  EXPECT_EQ(code_of(-ETIMEDOUT), 0x2e02);
  EXPECT_EQ(code_of(-EREMOTEIO), 0x4400);
  EXPECT_EQ(code_of(-EINVAL), 0x2000);
  device_->answer = [](ScsiOperation&) { return -EBUSY; };
  EXPECT_EQ(execute({.cdb = test_unit_ready}).status, 0x08);
}

TEST_F(ForwardTest, WhatDoesNotFitIsRefusedBeforeTheDevice) {
  const ScsiReply both =
      execute({.cdb = test_unit_ready, .data_out = Bytes(512), .data_in_length = 512});
  EXPECT_EQ(both.decoded().code, 0x0e03);
  const ScsiReply large = execute({.cdb = inquiry, .data_in_length = 65537});
  EXPECT_EQ(large.decoded().code, 0x0e03);
  EXPECT_EQ(device_->commands, 0);
  EXPECT_TRUE(execute({.cdb = inquiry, .data_in_length = 65536}).good());
}

TEST_F(ForwardTest, HostsAreToldHowMuchGoesThrough) {
  const Bytes block_limits = bytes({0x12, 1, 0xb0, 0, 64, 0});
  const auto limits = [&](std::uint32_t maximum, std::uint32_t optimal) {
    Bytes page(64);
    page[1] = std::byte{0xb0};
    test::put_be(page, 8, 4, maximum);
    test::put_be(page, 12, 4, optimal);
    answer_with(page);
    const Bytes told = execute({.cdb = block_limits, .data_in_length = 64}).data_in;
    return std::pair{test::get_be(told, 8, 4), test::get_be(told, 12, 4)};
  };
  using Told = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(limits(0, 0), Told(128, 0));
  EXPECT_EQ(limits(65535, 1024), Told(128, 128));
  EXPECT_EQ(limits(64, 8), Told(64, 8));
  device_->identity_.device_type = 1;
  EXPECT_EQ(limits(65535, 1024), Told(65535, 1024));
  device_->identity_.device_type = 0;
  answer_with(Bytes(10, std::byte{0xb0}));
  EXPECT_EQ(execute({.cdb = block_limits, .data_in_length = 10}).data_in,
            Bytes(10, std::byte{0xb0}));
}

TEST_F(ForwardTest, AProtectedMappingRefusesWhatCouldWrite) {
  test::InProcessOptions options;
  options.write_protected = true;
  test::Host reader(loop_, lu_, port_, options);
  reader.itl().unit_attentions.store(0);
  for (const Bytes& cdb : {bytes({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}), bytes({0x15, 0, 0, 0, 4, 0})})
    EXPECT_EQ(execute(reader, {.cdb = cdb, .data_out = Bytes(512)}).decoded().code, 0x2700);
  for (const unsigned opcode : {0x04u, 0x10u, 0x19u, 0x48u, 0x85u, 0x93u})
    EXPECT_EQ(execute(reader, {.cdb = bytes({opcode})}).decoded().code, 0x2700) << opcode;
  EXPECT_EQ(device_->commands, 0);
  EXPECT_TRUE(execute(reader, {.cdb = inquiry, .data_in_length = 96}).good());
  answer_with(Bytes(8));
  const ScsiReply six =
      execute(reader, {.cdb = bytes({0x1a, 0, 0x3f, 0, 8, 0}), .data_in_length = 8});
  EXPECT_EQ(six.data_in[2], std::byte{0x80});
  const ScsiReply ten =
      execute(reader, {.cdb = bytes({0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 8, 0}), .data_in_length = 8});
  EXPECT_EQ(ten.data_in[3], std::byte{0x80});
  // The other host writes.
  EXPECT_TRUE(
      execute({.cdb = bytes({0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}), .data_out = Bytes(512)}).good());
}

TEST_F(ForwardTest, ReportLunsIsAnsweredHere) {
  const ScsiReply reply =
      execute({.cdb = bytes({0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0}), .data_in_length = 64});
  ASSERT_TRUE(reply.good());
  EXPECT_EQ(test::get_be(reply.data_in, 0, 4), 8u);
  EXPECT_EQ(device_->commands, 0);
}

TEST_F(ForwardTest, ReservationsAreTheDevicesUnlessTurnedOff) {
  const Bytes reserve_in = bytes({0x5e, 0, 0, 0, 0, 0, 0, 0, 24, 0});
  EXPECT_TRUE(execute({.cdb = reserve_in, .data_in_length = 24}).good());
  EXPECT_EQ(device_->commands, 1);
  LuAttributes attributes = default_attributes(device_->properties_);
  attributes.emulate_pr = false;
  auto owned = std::make_unique<FakeDevice>();
  owned->properties_.max_transfer_bytes = 65536;
  const auto without = std::make_shared<Lu>(LuIdentity{.name = "pt1", .unit_serial = "2001"},
                                            attributes, std::move(owned));
  test::Host host(loop_, without, port_, test::InProcessOptions{});
  host.itl().unit_attentions.store(0);
  EXPECT_EQ(execute(host, {.cdb = reserve_in, .data_in_length = 24}).decoded().code, 0x2000);
}

TEST_F(ForwardTest, ConditionsOfTheUnitComeFirst) {
  host_->itl().raise(UnitAttention::power_on);
  EXPECT_TRUE(execute({.cdb = inquiry, .data_in_length = 96}).good());
  EXPECT_EQ(execute({.cdb = test_unit_ready}).decoded().code, 0x2900);
  EXPECT_EQ(device_->commands, 1);
  EXPECT_TRUE(execute({.cdb = test_unit_ready}).good());
}

// The device has one initiator, us, and tells it once.
TEST_F(ForwardTest, AConditionOfTheDeviceReachesEveryHost) {
  test::Host other(loop_, lu_, port_, test::InProcessOptions{});
  other.itl().unit_attentions.store(0);
  struct Case {
    Bytes sense;
    unsigned told;
  };
  Bytes fixed = bytes({0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2a, 0x09});
  fixed.resize(18);
  for (const Case& now :
       {Case{fixed, 0x2a09}, Case{bytes({0x72, 0x06, 0x29, 0x02, 0, 0, 0, 0}), 0x2903},
        Case{bytes({0x72, 0x06, 0x3f, 0x03, 0, 0, 0, 0}), 0x3f03}}) {
    answer_with_sense(now.sense);
    EXPECT_EQ(execute({.cdb = test_unit_ready}).sense, now.sense);
    device_->answer = nullptr;
    EXPECT_TRUE(execute({.cdb = test_unit_ready}).good());
    EXPECT_EQ(execute(other, {.cdb = test_unit_ready}).decoded().code, now.told);
    EXPECT_TRUE(execute(other, {.cdb = test_unit_ready}).good());
  }
}

TEST_F(ForwardTest, AnAbortIsToldToTheDevice) {
  device_->hold = true;
  TestCommand& command = host_->command;
  command.prepare({.cdb = inquiry, .data_in_length = 96}, host_->lun);
  command.submit();
  ASSERT_EQ(device_->held.size(), 1u);
  EXPECT_EQ(host_->tasks.abort_if([](const Command&) { return true; }), 1u);
  EXPECT_EQ(device_->cancelled, device_->held);
  EXPECT_EQ(command.completions, 0);  // the device may still write to the buffer
  device_->release(0);
  EXPECT_EQ(command.completions, 1);
  EXPECT_EQ(command.moved_in, 0u);
  command.finish();
  // The next one in the same slot is a command like any other.
  device_->hold = false;
  EXPECT_TRUE(execute({.cdb = test_unit_ready}).good());
  EXPECT_EQ(device_->cancelled.size(), 1u);
}

}  // namespace
}  // namespace srpd::scsi
