// The target core in this process, without a transport: a unit over a MemoryStore, initiator ports
// with a task set each, and commands whose data the test holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/simulated_loop.h"
#include "scsi/command.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/task_set.h"
#include "store/protection.h"
#include "support/memory_store.h"
#include "support/scsi_device.h"

namespace srpd::test {

/// A command with its data buffers, as a request slot would hold it. Finished by the test or, with
/// `finish_at_once`, when it completes.
class TestCommand final : public scsi::Command {
 public:
  /// How data-out come: with the command, or fetched, inline or later.
  enum class Arrival { immediate, fetched, fetched_later };

  TestCommand(runtime::Loop& on, scsi::TaskSet& set, scsi::ItNexus& from);
  ~TestCommand();

  /// Ready for submit(); everything else as before the first command.
  void prepare(const ScsiRequest& request, std::uint64_t default_lun);
  void submit() { set_.submit(*this); }
  void finish();
  ScsiReply reply() const;

  std::span<const std::byte> immediate_data_out() const override;
  void fetch(scsi::Transfer& transfer) override;
  void deliver(scsi::Transfer& transfer) override;
  void abort_preempted(std::uint32_t preemption, runtime::Completion& done) override;
  void on_complete() override;

  /// What PREEMPT AND ABORT has marked; ended by the test, or at once.
  std::uint32_t preempted = 0;
  runtime::Completion* preemption = nullptr;
  bool hold_preemption = false;
  Arrival arrival = Arrival::immediate;
  bool finish_at_once = false;
  int completions = 0;
  int transfer_error = 0;  ///< -errno that data movement ends with
  std::vector<const TestCommand*>* completion_order = nullptr;

 private:
  struct Deferral : runtime::Deferred {
    explicit Deferral(TestCommand& of) : Deferred(run_it), command(of) {}
    static void run_it(runtime::Deferred& self);
    TestCommand& command;
  };
  void complete_transfer(scsi::Transfer& transfer);
  int move(scsi::Transfer& transfer, bool out);

  scsi::TaskSet& set_;
  Bytes cdb_;
  Bytes data_out_;
  Bytes data_in_;
  std::vector<std::byte> aligned_out_;
  std::span<std::byte> immediate_;
  scsi::Transfer* pending_ = nullptr;
  Deferral deferral_{*this};
};

struct InProcessOptions {
  MemoryStoreOptions store;
  std::optional<scsi::LuAttributes> attributes;  ///< else the defaults of the store
  TestCommand::Arrival arrival = TestCommand::Arrival::immediate;
  std::uint32_t number = 0;  ///< LUN
  bool write_protected = false;
  std::size_t buffer_bytes = std::size_t{64} << 20;
  /// Other than none: a ProtectedStore is in front of the store.
  store::ProtectionType protection = store::ProtectionType::none;
};

/// One initiator port at the unit.
struct Host {
  Host(runtime::Loop& loop, const std::shared_ptr<scsi::Lu>& lu, const scsi::TargetPort& port,
       const InProcessOptions& options, std::shared_ptr<const scsi::UnitPort> unit_port = nullptr,
       std::uint8_t initiator = 1);
  ~Host() { nexus.luns().remove(unit); }
  scsi::ItNexus nexus;
  scsi::ItlNexus unit;
  scsi::TaskSet tasks;
  TestCommand command;
  std::uint64_t lun;

  scsi::ItlNexus& itl() { return unit; }
};

class InProcessDevice final : public ScsiDevice {
 public:
  explicit InProcessDevice(const InProcessOptions& options);
  ~InProcessDevice() override;

  std::uint32_t block_size() const override { return lu_->block_size(); }
  std::uint64_t block_count() const override { return lu_->block_count(); }
  const store::Properties& properties() const override { return lu_->store().properties(); }
  /// From host 0.
  ScsiReply execute(const ScsiRequest& request) override { return execute(0, request); }
  ScsiReply execute(std::size_t host, const ScsiRequest& request);
  std::unique_ptr<ScsiDevice> another_host() override;
  /// By another initiator port, of this identifier.
  std::unique_ptr<ScsiDevice> host_named(std::uint8_t last_byte, std::uint16_t relative_port = 1);
  /// By another port of the target.
  std::unique_ptr<ScsiDevice> host_at_port(std::uint16_t relative_port);

  Host& host(std::size_t index) { return *hosts_[index]; }
  scsi::Lu& lu() { return *lu_; }
  MemoryStore& store() { return *store_; }
  /// Where the protection information of a block is kept, inverted.
  std::byte* tuple(std::uint64_t lba) {
    return tuples_->map(lba * store::tuple_bytes, store::tuple_bytes);
  }
  runtime::Loop& loop() { return loop_; }
  /// Of the hosts by the first port.
  scsi::UnitPort& unit_port() { return *unit_ports_[0]; }
  void run_until_idle() { simulation_.run_until_idle(); }
  void run_for(runtime::Time duration) { simulation_.run_until(simulation_.now() + duration); }

 private:
  class AnotherHost;

  std::shared_ptr<scsi::UnitPort> make_unit_port(std::uint16_t relative_port);
  std::unique_ptr<store::Backstore> with_protection(std::unique_ptr<store::Backstore> plain);

  InProcessOptions options_;
  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_;
  scsi::TargetPort port_;
  MemoryStore* store_;
  store::Backstore* tuples_ = nullptr;
  std::shared_ptr<scsi::Lu> lu_;
  std::vector<std::shared_ptr<scsi::UnitPort>> unit_ports_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace srpd::test
