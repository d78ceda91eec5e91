// The seam of backstores that are SCSI devices themselves (LIO: pscsi). Such a unit is handed
// commands instead of reads and writes: what the device says about itself, its sense data and its
// residuals reach the host as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/completion.h"
#include "runtime/loop.h"
#include "store/designators.h"

namespace srpd::store {

/// One command of the device. The caller keeps it, and what it points to, in place until
/// completion, which may be inline. Result: 0 when the device has answered, see `status`; else
/// -errno: -ENODEV no device any more, -ETIMEDOUT it did not answer, -EBUSY not now, -ECANCELED not
/// begun, or ended by a reset of the device, -EINVAL no command for this device, -EREMOTEIO its
/// transport failed.
struct ScsiOperation : runtime::Completion {
  enum class Direction : std::uint8_t { none, in, out };
  using Completion::Completion;

  std::span<const std::byte> cdb;  ///< as long as its format says
  Direction direction = Direction::none;
  std::span<std::byte> data;
  std::span<std::byte> sense;  ///< room for sense data

  std::uint8_t status = 0;         ///< out: SAM-5 5.3.1
  std::uint32_t sense_length = 0;  ///< out
  std::uint32_t residual = 0;      ///< out: bytes of `data` that were not moved

  // For the device.
  runtime::Loop* loop = nullptr;
  ScsiOperation* next = nullptr;
  int outcome = 0;
  struct Return final : runtime::Mail {
    explicit Return(ScsiOperation& of)
        : Mail([](Mail& self) {
            ScsiOperation& done = static_cast<Return&>(self).operation;
            done.complete(done.outcome);
          }),
          operation(of) {}
    ScsiOperation& operation;
  } way_back{*this};
};

/// Thread-safe, as Backstore is.
class PassThrough {
 public:
  /// What INQUIRY says, blanks at the ends removed.
  struct Identity {
    std::uint8_t device_type = 0;  ///< SPC-5 table 147: 0 disk, 1 tape, 5 CD or DVD
    std::string vendor, product, revision;
    std::string unit_serial;              ///< VPD page 80h; empty where there is none
    std::vector<Designator> designators;  ///< VPD page 83h
  };
  virtual const Identity& identity() const = 0;

  /// `data` is at most as long as Properties::max_transfer_bytes.
  virtual void submit(runtime::Loop& loop, ScsiOperation& operation) = 0;

  /// On the loop that submitted it. What has not begun never will, and completes with -ECANCELED,
  /// not inline; what the device is at goes on until it ends.
  virtual void cancel(ScsiOperation& operation) = 0;

 protected:
  ~PassThrough() = default;
};

}  // namespace srpd::store
