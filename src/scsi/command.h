// A SCSI command as the target hands it to the core. The transport side derives from it
// (target::Request) and moves the data; the core decides what to move and how it ended.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/buffer_pool.h"
#include "runtime/completion.h"
#include "runtime/loop.h"
#include "scsi/result.h"

namespace srpd::store {
struct ScsiOperation;
}  // namespace srpd::store

namespace srpd::scsi {

class ItNexus;
struct ItlNexus;
class Lu;
struct Spec;

/// Logical blocks a command names.
struct Extent {
  std::uint64_t lba = 0;
  std::uint64_t blocks = 0;
};

/// SAM-5 8.6; the values are SRP's (r16a table 19).
enum class TaskAttribute : std::uint8_t { simple = 0, head_of_queue = 1, ordered = 2, aca = 4 };

/// One piece of data movement between the initiator's buffer and local memory. Result: 0, or
/// -ECONNRESET when the connection ended, -ECANCELED when the command was aborted, -EIO.
struct Transfer : runtime::Completion {
  using Completion::Completion;
  std::uint64_t offset = 0;  ///< in the initiator's data-out or data-in buffer
  std::uint32_t length = 0;  ///< sum of `local`, at least
  std::span<const iovec> local;
};

/// Lives in a request slot of one loop; all members are used on that loop.
class Command {
 public:
  // Set by the target before TaskSet::submit().
  runtime::Loop* loop = nullptr;
  std::uint32_t loop_index = 0;  ///< which cell of the counters is this loop's
  ItNexus* nexus = nullptr;
  ItlNexus* itl = nullptr;         ///< null: no such LUN for this nexus
  std::uint64_t lun = 0;           ///< the eight bytes as an integer, as received
  std::uint64_t tag = 0;           ///< opaque
  std::span<const std::byte> cdb;  ///< 16 bytes and the additional CDB, if any
  TaskAttribute attribute = TaskAttribute::simple;
  std::uint64_t data_out_length = 0;  ///< size of the initiator's data-out buffer; 0: none
  std::uint64_t data_in_length = 0;   ///< size of the initiator's data-in buffer; 0: none

  // Set by the core before on_complete().
  Result result;
  /// What the CDB asks to move with a buffer of any size; larger than the buffer: overflow
  /// residual.
  std::uint64_t wanted_out = 0;
  std::uint64_t wanted_in = 0;
  std::uint64_t moved_out = 0;
  std::uint64_t moved_in = 0;  ///< including data_in below
  /// The rest of the data-in, to be moved together with the response: from data_in_offset in the
  /// initiator's buffer, data_in_size bytes of `data_in`. Stays in place until the target calls
  /// finish().
  std::span<const iovec> data_in;
  std::uint64_t data_in_offset = 0;
  std::uint32_t data_in_size = 0;
  /// Of a pass-through unit that answered CHECK CONDITION: its sense data, instead of those in
  /// `result`. Empty otherwise.
  std::span<const std::byte> device_sense;

  // For the core.
  const Spec* spec = nullptr;  ///< the row of the command table; null until it is found
  Lu* lu = nullptr;            ///< itl->lu
  Extent extent;               ///< checked against the unit's size
  std::array<iovec, 2> data_in_storage;
  runtime::Buffer buffer;                            ///< given back by finish()
  runtime::BufferAccount* buffer_account = nullptr;  ///< the task set's
  store::ScsiOperation* device_operation = nullptr;  ///< under way at a pass-through unit
  std::array<std::byte, max_sense_length> device_sense_storage;
  bool aborted = false;         ///< nothing is reported and no data moves any more; the slot drains
  bool started = false;         ///< left the task set's queue
  bool startable = false;       ///< may leave it now
  Command* previous = nullptr;  ///< task set list, oldest first
  Command* next_in_set = nullptr;

  /// The sense data of CHECK CONDITION; `room` holds them where they have to be encoded.
  std::span<const std::byte> sense_data(std::span<std::byte, max_sense_length> room) const;

  /// Data-out that came with the command (immediate data), or empty. In place until finish().
  virtual std::span<const std::byte> immediate_data_out() const = 0;
  /// Moves data-out here (from immediate data: a copy). May complete inline.
  virtual void fetch(Transfer& transfer) = 0;
  /// Moves data-in there, ahead of the response; for data that does not fit one piece. May complete
  /// inline.
  virtual void deliver(Transfer& transfer) = 0;
  /// PREEMPT AND ABORT: aborts the commands of the nexuses of this unit that are marked with
  /// `preemption` (ItlNexus), and completes `done` when they are over, or too late to wait for.
  virtual void abort_preempted(std::uint32_t preemption, runtime::Completion& done) = 0;
  /// The command is over, also when it was aborted (then nothing may be sent for it). Called
  /// exactly once; the target calls TaskSet::finish() when the response and its data have left.
  virtual void on_complete() = 0;

  /// Sets the results back to "nothing moved", for the next command in the same slot. The target
  /// sets the input members itself.
  void reset_results() {
    result = {};
    wanted_out = wanted_in = moved_out = moved_in = 0;
    data_in = {};
    data_in_offset = 0;
    data_in_size = 0;
    device_sense = {};
    device_operation = nullptr;
    spec = nullptr;
    lu = nullptr;
    extent = {};
    aborted = false;
    started = false;
    startable = false;
  }

 protected:
  ~Command() = default;
};

}  // namespace srpd::scsi
