#include "actor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "initiator/commands.h"

namespace srpd::simulation {
namespace {

constexpr std::uint64_t longest_blocks = 48;
// A share is a multiple of it.
constexpr std::uint64_t verify_blocks = 32;

unsigned sense_key(const initiator::Request& request) {
  return request.sense_length < 3 ? 0 : std::to_integer<unsigned>(request.sense[2]) & 0x0f;
}

}  // namespace

initiator::SessionOptions Actor::random_options(Random& random, std::uint32_t number,
                                                const transport::Address& target) {
  initiator::SessionOptions options;
  options.address = target;
  options.initiator[15] = static_cast<std::byte>(number + 1);
  options.channels = random.one_in(3) ? 2 + static_cast<std::uint32_t>(random.below(2)) : 1;
  options.queue_depth = 2 + static_cast<std::uint32_t>(random.below(30));
  options.immediate_data = !random.one_in(4);
  options.descriptors = static_cast<initiator::Descriptors>(random.below(3));
  options.segment_bytes = random.one_in(2) ? 512 : 4096;
  options.max_segments = 64;
  options.descriptors_in_iu = static_cast<std::uint32_t>(random.below(4));
  options.command_timeout = std::chrono::seconds(4);
  options.connect_timeout = std::chrono::seconds(20);
  return options;
}

Actor::Actor(runtime::Simulation& simulation, transport::Transport& transport,
             const transport::Address& target, std::uint32_t number, std::uint64_t seed,
             std::uint32_t operations, std::vector<Share> shares, Findings& findings)
    : loop_(simulation),
      number_(number),
      random_(seed),
      findings_(findings),
      remaining_(operations),
      shares_(std::move(shares)),
      session_(loop_, transport, random_options(random_, number, target),
               static_cast<initiator::Session::Observer&>(*this)),
      operations_(1 + random_.below(24)) {
  for (Operation& operation : operations_) {
    operation.actor = this;
    operation.data.resize(longest_blocks * block_size);
    operation.done = [](initiator::Request& self) {
      auto& done = static_cast<Operation&>(self);
      done.actor->ended(done);
    };
  }
  task_.actor = this;
  task_.done = [](initiator::TaskRequest& self) {
    auto& task = static_cast<Task&>(self);
    task.busy = false;
    --task.actor->tasks_;
  };
}

void Actor::start() {
  started_ = true;
  session_.open();
  fill();
}

void Actor::on_over(const Error* error) {
  over_ = true;
  if (error == nullptr) return;
  // A first login may fail by an injected fault; then there is nothing to do.
  remaining_ = 0;
}

// Keeps the operations busy. Answers may come from inside, so it does not nest.
void Actor::fill() {
  if (filling_) return;
  filling_ = true;
  while (remaining_ > 0 && !over_) {
    Operation* const operation = idle_operation();
    if (operation == nullptr) break;
    --remaining_;
    begin(*operation);
    if (!verifying_) maybe_manage();
  }
  filling_ = false;
}

Actor::Operation* Actor::idle_operation() {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [](const Operation& each) { return !each.busy; });
  return found == operations_.end() ? nullptr : &*found;
}

void Actor::verify() {
  verifying_ = true;
  verified_ = 0;
  remaining_ = 0;
  for (const Share& share : shares_)
    remaining_ += static_cast<std::uint32_t>(share.model.size() / verify_blocks);
  fill();
}

void Actor::begin(Operation& operation) {
  if (verifying_) {
    const std::uint64_t pieces = shares_[0].model.size() / verify_blocks;
    operation.share = &shares_[verified_ / pieces];
    operation.block = verified_++ % pieces * verify_blocks;
    operation.blocks = verify_blocks;
    begin_read(operation);
    return;
  }
  operation.share = &shares_[random_.below(shares_.size())];
  operation.blocks = 1 + random_.below(random_.one_in(4) ? longest_blocks : 8);
  operation.block = random_.below(operation.share->model.size() - operation.blocks + 1);
  const std::uint64_t what = random_.below(100);
  if (what < 45) {
    begin_write(operation);
  } else if (what < 88) {
    begin_read(operation);
  } else if (what < 94) {
    begin_unmap(operation);
  } else {
    begin_other(operation);
  }
}

void Actor::begin_read(Operation& operation) {
  operation.kind = Kind::read;
  operation.began = operation.share->model.now();
  const std::span<std::byte> data(operation.data.data(), operation.blocks * block_size);
  std::fill(data.begin(), data.end(), std::byte{0xee});
  initiator::prepare_read(operation, operation.share->first + operation.block,
                          static_cast<std::uint32_t>(operation.blocks), data);
  // Each LUN may have several things to tell first.
  operation.transient_retries = verifying_ ? 10 : 3;
  submit(operation);
}

void Actor::begin_write(Operation& operation) {
  operation.kind = Kind::write;
  const std::uint64_t lba = operation.share->first + operation.block;
  operation.value = operation.share->model.write_begins(operation.block, operation.blocks, false);
  const std::span<std::byte> data(operation.data.data(), operation.blocks * block_size);
  stamp(operation.value, operation.block, data);
  initiator::prepare_write(operation, lba, static_cast<std::uint32_t>(operation.blocks), data,
                           random_.one_in(5));
  // Each sending counts for the model.
  operation.transient_retries = 0;
  operation.repeatable = !random_.one_in(3);
  submit(operation);
}

// UNMAP of one range (SBC-4 5.35); reads back as zeros on these disks.
void Actor::begin_unmap(Operation& operation) {
  operation.kind = Kind::unmap;
  const wire::be64 lba = operation.share->first + operation.block;
  const wire::be32 count = static_cast<std::uint32_t>(operation.blocks);
  operation.value = operation.share->model.write_begins(operation.block, operation.blocks, true);
  operation.parameters.assign(24, std::byte{0});
  operation.parameters[1] = std::byte{22};
  operation.parameters[3] = std::byte{16};
  std::memcpy(&operation.parameters[8], &lba, sizeof lba);
  std::memcpy(&operation.parameters[16], &count, sizeof count);
  initiator::prepare_test_unit_ready(operation);
  operation.cdb[0] = std::byte{0x42};
  operation.cdb[8] = std::byte{24};
  operation.data_out = operation.parameters;
  operation.transient_retries = 0;
  submit(operation);
}

void Actor::begin_other(Operation& operation) {
  operation.kind = Kind::other;
  const std::uint64_t what = random_.below(4);
  if (what == 0) initiator::prepare_test_unit_ready(operation);
  if (what == 1) initiator::prepare_synchronize_cache(operation);
  const std::span<std::byte> data(operation.data.data(), 255);
  if (what == 2) initiator::prepare_inquiry(operation, data);
  if (what == 3) initiator::prepare_report_luns(operation, data);
  submit(operation);
}

void Actor::submit(Operation& operation) {
  operation.lun = operation.share->lun;
  operation.attribute = initiator::TaskAttribute::simple;
  if (!verifying_ && random_.one_in(10))
    operation.attribute = random_.one_in(3) ? initiator::TaskAttribute::head_of_queue
                                            : initiator::TaskAttribute::ordered;
  operation.busy = true;
  ++under_way_;
  if (session_.submit(operation)) return;
  operation.error = -ENOTCONN;
  operation.sent_count = 0;
  ended(operation);
}

void Actor::ended(Operation& operation) {
  if (!operation.busy) return complain(operation, "answered twice");
  operation.busy = false;
  --under_way_;
  if (operation.kind == Kind::read) read_ended(operation);
  if (operation.kind == Kind::write || operation.kind == Kind::unmap) write_ended(operation);
  if (verifying_ && !operation.good())
    complain(operation, "failed without faults: " + initiator::describe_failure(operation));
  fill();
}

void Actor::read_ended(Operation& operation) {
  if (!operation.good()) return;
  if (operation.residual.flags != 0) complain(operation, "GOOD with a residual");
  const std::span<const std::byte> data(operation.data.data(), operation.blocks * block_size);
  const std::string wrong =
      operation.share->model.check_read(operation.began, operation.block, data);
  if (!wrong.empty()) complain(operation, wrong);
}

void Actor::write_ended(Operation& operation) {
  using Outcome = DiskModel::Outcome;
  const unsigned key = sense_key(operation);
  const bool check = operation.error == 0 && operation.status == initiator::status_check_condition;
  Outcome outcome = Outcome::at_large;
  if (operation.good()) {
    outcome = Outcome::done;
  } else if (operation.sent_count == 0) {
    outcome = Outcome::not_done;
  } else if (check && (key == 6 || key == 5) && operation.sent_count == 1) {
    outcome = Outcome::not_done;
  } else if (check && operation.sent_count == 1) {
    outcome = Outcome::undecided;
  } else if (operation.error == 0 && operation.sent_count == 1 &&
             (operation.status == initiator::status_busy ||
              operation.status == initiator::status_task_set_full)) {
    outcome = Outcome::not_done;
  }
  const bool ordered =
      operation.attribute == initiator::TaskAttribute::ordered && session_.options().channels == 1;
  operation.share->model.write_ends(operation.value, operation.block, operation.blocks, outcome,
                                    operation.sent_count > 1, ordered);
}

void Actor::maybe_manage() {
  if (task_.busy || !random_.one_in(25)) return;
  Operation& victim = operations_[random_.below(operations_.size())];
  task_.function = random_.one_in(8)   ? srp::TaskFunction::lun_reset
                   : random_.one_in(8) ? srp::TaskFunction::abort_task_set
                                       : srp::TaskFunction::abort_task;
  if (!victim.busy) return;
  task_.lun = victim.lun;
  task_.victim = task_.function == srp::TaskFunction::abort_task ? &victim : nullptr;
  task_.busy = session_.manage(task_);
  if (task_.busy) ++tasks_;
}

void Actor::complain(const Operation& operation, const std::string& what) {
  findings_.add(fmt::format("initiator {}: {} of {} blocks at {} of LUN {:x}: {}", number_,
                            operation.kind == Kind::read    ? "read"
                            : operation.kind == Kind::write ? "write"
                            : operation.kind == Kind::unmap ? "unmap"
                                                            : "command",
                            operation.blocks, operation.share->first + operation.block,
                            operation.share->lun >> 48, what));
}

std::string Actor::status() const {
  const auto& counters = session_.counters();
  return fmt::format(
      "initiator {}: {} operations left, {} under way, {} tasks; session {}, {} in flight, {} "
      "queued; "
      "{} commands, {} logins, {} sent again, {} timeouts, {} aborts, {} resets",
      number_, remaining_, under_way_, tasks_,
      over_           ? "over"
      : session_.up() ? "up"
                      : "down",
      session_.in_flight(), session_.queued(), counters.commands, counters.connects,
      counters.reissued, counters.timeouts, counters.aborts, counters.resets);
}

}  // namespace srpd::simulation
