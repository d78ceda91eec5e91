// The states change at once, or after the transition delay of their groups; the command ends when
// whoever administers the unit has taken note, so that a change that was answered with GOOD is not
// forgotten. One that has begun is finished though the command be aborted.
#include "scsi/commands/set_target_port_groups.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "scsi/block_io.h"
#include "scsi/errno_to_sense.h"
#include "scsi/nexus.h"
#include "scsi/parameter_list.h"
#include "scsi/sense.h"
#include "scsi/sleep.h"
#include "wire/scsi_cdb.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

constexpr std::uint32_t header = 4;

bool is_whole(std::uint32_t length) {
  return length >= header && (length - header) % sizeof(wire::SetTargetPortGroupDescriptor) == 0;
}

/// The change is kept; word of it comes from another thread.
struct Kept : runtime::Completion, runtime::Mail {
  Kept() : Mail([](Mail& self) { static_cast<Kept&>(self).complete(0); }) {}

  void start(Command& command) {
    const auto done = [this, loop = command.loop] { loop->post(*this); };
    if (!command.lu->port_groups().finish(command.buffer.bytes(), *command.itl, done)) complete(0);
  }
};

}  // namespace

runtime::Task<Result> set_target_port_groups(Command& command) {
  const auto& cdb = *wire::view<wire::TargetPortGroupsCdb>(command.cdb);
  const std::uint32_t length = cdb.length;
  Result result;
  if (length == 0) co_return Result{};
  if (!is_whole(length) || length > runtime::BufferPool::largest)
    co_return sense::parameter_list_length_error();
  if (data_out_is_short(command, length, result)) co_return result;

  ParameterList list;
  list.start(command, length);
  const int rc = co_await list;
  if (command.aborted) co_return Result{};
  if (rc < 0) co_return result_from_transfer(rc);

  TargetPortGroups& groups = command.lu->port_groups();
  result = groups.check(command.buffer.bytes(), *command.itl);
  if (!result.good()) co_return result;
  const std::uint32_t delay_ms = groups.begin(command.buffer.bytes(), *command.itl);
  if (delay_ms != 0) {
    Sleep sleep;
    sleep.start(*command.loop, std::chrono::milliseconds(delay_ms));
    co_await sleep;
  }
  Kept kept;
  kept.start(command);
  co_await kept;
  co_return Result{};
}

}  // namespace srpd::scsi
