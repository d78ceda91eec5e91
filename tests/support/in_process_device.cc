#include "support/in_process_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "store/protected_store.h"
#include "store/ramdisk_tuples.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

constexpr std::size_t alignment = 4096;

scsi::PortId initiator_id(std::uint8_t last_byte) {
  scsi::PortId id{};
  id[15] = std::byte{last_byte};
  return id;
}

std::string initiator_name(std::uint8_t last_byte) {
  const auto id = initiator_id(last_byte);
  return "0x" + to_hex(id);
}

scsi::LuIdentity identity() {
  scsi::LuIdentity identity;
  identity.name = "ram0";
  identity.unit_serial = "929cc061-e082-4d98-810c-c90b421bd066";
  return identity;
}

std::int64_t residual(std::uint64_t buffer, std::uint64_t wanted, std::uint64_t moved) {
  if (moved < buffer) return -static_cast<std::int64_t>(buffer - moved);
  return wanted > buffer ? static_cast<std::int64_t>(wanted - buffer) : 0;
}

}  // namespace

TestCommand::TestCommand(runtime::Loop& on, scsi::TaskSet& set, scsi::ItNexus& from) : set_(set) {
  loop = &on;
  nexus = &from;
}

TestCommand::~TestCommand() { CHECK(pending_ == nullptr); }

void TestCommand::prepare(const ScsiRequest& request, std::uint64_t default_lun) {
  reset_results();
  completions = 0;
  cdb_ = request.cdb;
  cdb_.resize(std::max<std::size_t>(cdb_.size(), 16));
  cdb = cdb_;
  lun = request.lun.value_or(default_lun);
  itl = nexus->luns().find(lun);
  attribute = static_cast<scsi::TaskAttribute>(request.attribute);
  data_out_ = request.data_out;
  data_out_length = data_out_.size();
  data_in_.assign(request.data_in_length, std::byte{0xee});
  data_in_length = data_in_.size();
  // Where a transport owns the placement, immediate data are aligned.
  aligned_out_.resize(data_out_.size() + alignment);
  void* at = aligned_out_.data();
  std::size_t space = aligned_out_.size();
  CHECK(std::align(alignment, data_out_.size(), at, space) != nullptr);
  if (!data_out_.empty()) std::memcpy(at, data_out_.data(), data_out_.size());
  immediate_ = {static_cast<std::byte*>(at), data_out_.size()};
}

std::span<const std::byte> TestCommand::immediate_data_out() const {
  return arrival == Arrival::immediate ? std::span<const std::byte>(immediate_)
                                       : std::span<const std::byte>();
}

int TestCommand::move(scsi::Transfer& transfer, bool out) {
  const std::uint64_t room = out ? data_out_.size() : data_in_.size();
  CHECK(transfer.offset <= room && transfer.length <= room - transfer.offset);
  CHECK(!aborted);
  if (transfer_error != 0) return transfer_error;
  std::uint64_t at = transfer.offset;
  std::uint64_t left = transfer.length;
  for (const iovec& piece : transfer.local) {
    const std::uint64_t size = std::min<std::uint64_t>(left, piece.iov_len);
    if (out)
      std::memcpy(piece.iov_base, data_out_.data() + at, size);
    else
      std::memcpy(data_in_.data() + at, piece.iov_base, size);
    at += size;
    left -= size;
  }
  CHECK(left == 0);
  return 0;
}

void TestCommand::Deferral::run_it(runtime::Deferred& self) {
  TestCommand& command = static_cast<Deferral&>(self).command;
  scsi::Transfer& transfer = *std::exchange(command.pending_, nullptr);
  transfer.complete(command.aborted ? -ECANCELED : command.move(transfer, true));
}

void TestCommand::fetch(scsi::Transfer& transfer) {
  if (arrival != Arrival::fetched_later) return transfer.complete(move(transfer, true));
  CHECK(pending_ == nullptr);
  pending_ = &transfer;
  loop->defer(deferral_);
}

void TestCommand::deliver(scsi::Transfer& transfer) { transfer.complete(move(transfer, false)); }

void TestCommand::abort_preempted(std::uint32_t number, runtime::Completion& done) {
  preempted = number;
  if (!hold_preemption) return done.complete(0);
  preemption = &done;
}

void TestCommand::on_complete() {
  ++completions;
  if (!aborted && data_in_size != 0) {
    scsi::Transfer last;
    last.offset = data_in_offset;
    last.length = data_in_size;
    last.local = data_in;
    CHECK(move(last, false) == 0 || transfer_error != 0);
  }
  if (completion_order != nullptr) completion_order->push_back(this);
  if (finish_at_once) finish();
}

void TestCommand::finish() { set_.finish(*this); }

ScsiReply TestCommand::reply() const {
  CHECK(completions == 1);
  CHECK(moved_in <= data_in_.size() && moved_out <= data_out_.size());
  CHECK(data_in_offset + data_in_size <= moved_in);
  ScsiReply reply;
  reply.status = static_cast<std::uint8_t>(result.status);
  reply.data_in.assign(data_in_.begin(), data_in_.begin() + static_cast<std::ptrdiff_t>(moved_in));
  reply.moved_out = moved_out;
  reply.residual_in = residual(data_in_.size(), wanted_in, moved_in);
  reply.residual_out = residual(data_out_.size(), wanted_out, moved_out);
  if (result.status == scsi::Status::check_condition) {
    std::array<std::byte, scsi::max_sense_length> room;
    const auto sense = sense_data(room);
    reply.sense.assign(sense.begin(), sense.end());
  }
  return reply;
}

Host::Host(runtime::Loop& loop, const std::shared_ptr<scsi::Lu>& lu, const scsi::TargetPort& port,
           const InProcessOptions& options, std::shared_ptr<const scsi::UnitPort> unit_port,
           std::uint8_t initiator)
    : nexus(initiator_name(initiator), initiator_id(initiator), port),
      unit(options.number, std::make_shared<scsi::IoCounters>(lu, 1), options.write_protected,
           std::move(unit_port), nexus.name()),
      command(loop, tasks, nexus),
      lun(scsi::encode_lun(options.number)) {
  nexus.luns().add(unit);
  command.arrival = options.arrival;
}

class InProcessDevice::AnotherHost final : public ScsiDevice {
 public:
  AnotherHost(InProcessDevice& device, std::size_t index) : device_(device), index_(index) {}

  std::uint32_t block_size() const override { return device_.block_size(); }
  std::uint64_t block_count() const override { return device_.block_count(); }
  const store::Properties& properties() const override { return device_.properties(); }
  ScsiReply execute(const ScsiRequest& request) override {
    return device_.execute(index_, request);
  }
  std::unique_ptr<ScsiDevice> another_host() override { return device_.another_host(); }

 private:
  InProcessDevice& device_;
  std::size_t index_;
};

std::unique_ptr<store::Backstore> InProcessDevice::with_protection(
    std::unique_ptr<store::Backstore> plain) {
  if (options_.protection == store::ProtectionType::none) return plain;
  const store::Protection protection{.type = options_.protection,
                                     .block_size = plain->properties().block_size};
  auto tuples = store::keep_ramdisk_tuples({}, plain->size() / protection.block_size, loop_);
  CHECK(tuples.has_value());
  tuples_ = &(*tuples)->store();
  return std::make_unique<store::ProtectedStore>(std::move(plain), std::move(*tuples), protection);
}

InProcessDevice::InProcessDevice(const InProcessOptions& options)
    : options_(options), loop_(simulation_, options.buffer_bytes) {
  port_.name = "0xdeea7be2967200000000000000000000";
  auto store = std::make_unique<MemoryStore>(options.store);
  store_ = store.get();
  const auto attributes =
      options.attributes.value_or(scsi::default_attributes(store->properties()));
  lu_ = std::make_shared<scsi::Lu>(identity(), attributes, with_protection(std::move(store)));
  hosts_.push_back(std::make_unique<Host>(loop_, lu_, port_, options_,
                                          make_unit_port(port_.relative_target_port)));
  host(0).itl().unit_attentions.store(0);
}

InProcessDevice::~InProcessDevice() {
  for (const auto& port : unit_ports_) lu_->port_groups().remove(*port);
}

std::shared_ptr<scsi::UnitPort> InProcessDevice::make_unit_port(std::uint16_t relative_port) {
  unit_ports_.push_back(std::make_shared<scsi::UnitPort>(relative_port, scsi::PortAccess{}));
  lu_->port_groups().add(*unit_ports_.back());
  return unit_ports_.back();
}

std::unique_ptr<ScsiDevice> InProcessDevice::host_at_port(std::uint16_t relative_port) {
  scsi::TargetPort port = port_;
  port.relative_target_port = relative_port;
  hosts_.push_back(
      std::make_unique<Host>(loop_, lu_, port, options_, make_unit_port(relative_port)));
  return std::make_unique<AnotherHost>(*this, hosts_.size() - 1);
}

// A host that comes by another port of its own, with the port of the target that it names.
std::unique_ptr<ScsiDevice> InProcessDevice::host_named(std::uint8_t last_byte,
                                                        std::uint16_t relative_port) {
  scsi::TargetPort port = port_;
  port.relative_target_port = port.portal_group_tag = relative_port;
  const auto found = std::find_if(unit_ports_.begin(), unit_ports_.end(), [&](const auto& each) {
    return each->relative_port == relative_port;
  });
  const auto unit_port = found != unit_ports_.end() ? *found : make_unit_port(relative_port);
  hosts_.push_back(std::make_unique<Host>(loop_, lu_, port, options_, unit_port, last_byte));
  return std::make_unique<AnotherHost>(*this, hosts_.size() - 1);
}

std::unique_ptr<ScsiDevice> InProcessDevice::another_host() {
  const auto initiator = static_cast<std::uint8_t>(hosts_.size() + 1);
  hosts_.push_back(std::make_unique<Host>(loop_, lu_, port_, options_, unit_ports_[0], initiator));
  return std::make_unique<AnotherHost>(*this, hosts_.size() - 1);
}

ScsiReply InProcessDevice::execute(std::size_t host, const ScsiRequest& request) {
  Host& from = *hosts_[host];
  // Of commands that tests have under way.
  const auto lent = loop_.buffers().lent_bytes();
  const auto live = loop_.frames().live();
  from.command.prepare(request, from.lun);
  from.command.submit();
  if (from.command.completions == 0) simulation_.run_until_idle();
  const ScsiReply reply = from.command.reply();
  from.command.finish();
  CHECK(loop_.buffers().lent_bytes() <= lent && loop_.frames().live() <= live);
  return reply;
}

}  // namespace srpd::test
