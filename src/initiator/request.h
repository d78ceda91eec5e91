// What the user of a Session hands in: SCSI commands and task management functions. Both are
// records embedded in the caller, who keeps them in place until `done` has been called.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/loop.h"
#include "srp/iu.h"

namespace srpd::initiator {

/// SAM-5 8.6.
enum class TaskAttribute : std::uint8_t { simple = 0, head_of_queue = 1, ordered = 2 };

/// Values of SAM-5 5.3.1 that the initiator acts on.
inline constexpr std::uint8_t status_good = 0x00;
inline constexpr std::uint8_t status_check_condition = 0x02;
inline constexpr std::uint8_t status_busy = 0x08;
inline constexpr std::uint8_t status_task_set_full = 0x28;

struct Request {
  using Done = void (*)(Request& self);

  // In; unchanged by the session.
  std::uint64_t lun = 0;  ///< eight bytes as an integer
  std::array<std::byte, 32> cdb{};
  std::uint8_t cdb_length = 16;  ///< 6 .. 32
  TaskAttribute attribute = TaskAttribute::simple;
  std::span<const std::byte> data_out;
  std::span<std::byte> data_in;
  /// May be sent again after a lost connection: executing it twice is the same as once. True for
  /// reads, and for writes of given data to given blocks as long as the caller starts no other
  /// write to those blocks before this one is done; false for everything with an effect that adds
  /// up.
  bool repeatable = false;
  /// How often the session may send it again after unit attention, BUSY or TASK SET FULL, which all
  /// mean that it was not executed.
  std::uint8_t transient_retries = 0;
  /// Until recovery begins; 0: the session's.
  std::chrono::milliseconds timeout{0};
  Done done = nullptr;
  void* context = nullptr;

  // Out.
  /// 0: the target answered, see `status`. -ECONNRESET: the connection was lost and the request may
  /// or may not have been executed. -ETIMEDOUT: no answer in time; the target was made to forget
  /// it. -ECANCELED: aborted by task management. -EMSGSIZE: does not fit the connection. -ENOTCONN:
  /// the session is over.
  int error = 0;
  std::uint8_t status = 0;
  std::uint16_t sense_length = 0;
  std::array<std::byte, 252> sense;
  srp::Residual residual;

  bool good() const { return error == 0 && status == status_good; }
  std::span<const std::byte> sense_bytes() const { return {sense.data(), sense_length}; }
  /// Bytes of data-in that are valid.
  std::size_t received() const {
    return (residual.flags & wire::srp::diunder) != 0 && residual.data_in <= data_in.size()
               ? data_in.size() - residual.data_in
               : data_in.size();
  }

  // For the session.
  Request* next = nullptr;
  std::uint64_t sequence = 0;  ///< order of submission
  runtime::Time deadline{};
  std::uint8_t retries_left = 0;
  std::uint8_t sent_count = 0;  ///< saturates
};

/// A task management function. Functions on a set of tasks concern the commands of one channel, in
/// order with them.
struct TaskRequest {
  using Done = void (*)(TaskRequest& self);

  srp::TaskFunction function = srp::TaskFunction::abort_task;
  std::uint64_t lun = 0;
  /// ABORT TASK: what to abort. It may complete at any time, before or with this function.
  Request* victim = nullptr;
  Done done = nullptr;
  void* context = nullptr;

  /// 0: answered, see `code`. -ENOENT: the victim is not under way (any more). -ETIMEDOUT: no
  /// answer. -ECONNRESET: not logged in, or not any more.
  int error = 0;
  srp::ResponseCode code = srp::ResponseCode::no_failure;

  // For the session.
  TaskRequest* next = nullptr;
  std::uint64_t victim_sequence = 0;
  std::uint32_t channel = 0;  ///< for functions on a set of tasks
  int victim_error = 0;       ///< what the commands it ends are completed with
};

}  // namespace srpd::initiator
